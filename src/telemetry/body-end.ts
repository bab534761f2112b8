/** Calls `tell` once when an answer is out: at once, or for an event stream when it ends or its reader goes away. */
export function bodyEnd(response: Response, tell: () => void): Response {
  let isTold = false;
  const ended = () => {
    if (!isTold) tell();
    isTold = true;
  };
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream');
  if (!response.body || !isStream) {
    ended();
    return response;
  }
  const reader = response.body.getReader();
  const watched = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        if (!done) return controller.enqueue(value);
        ended();
        controller.close();
      } catch (error) {
        ended();
        controller.error(error);
      }
    },
    cancel(reason) {
      ended();
      return reader.cancel(reason);
    },
  });
  return new Response(watched, response);
}
