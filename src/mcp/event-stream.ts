/**
 * Waits for the first piece of an event stream, so that the status of the
 * answer can still be chosen by what came of it, and ends the stream when its
 * time is over. Any other answer is given back as it is.
 *
 * @param limitMs from now to the end of the stream
 */
export async function holdFirstEvent(response: Response, limitMs: number): Promise<Response> {
  if (!response.body || !response.headers.get('content-type')?.startsWith('text/event-stream')) return response;
  const reader = response.body.getReader();
  // A cancelled reader reads the end, and the server behind it stops.
  const timer = setTimeout(() => void reader.cancel(), limitMs).unref();
  let first: Awaited<ReturnType<typeof reader.read>> | undefined = await reader.read();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { done, value } = first ?? (await reader.read());
        first = undefined;
        if (!done) return controller.enqueue(value);
        clearTimeout(timer);
        controller.close();
      },
      cancel(reason) {
        clearTimeout(timer);
        return reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  return new Response(body, response);
}
