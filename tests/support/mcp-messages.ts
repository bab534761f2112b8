/** MCP over the bare wire. */

/** A message as it comes over the wire: nothing about it is checked. */
export interface WireMessage {
  id?: unknown;
  method?: string;
  params?: Record<string, unknown>;
  result?: Record<string, unknown>;
  error?: { code: number; message: string };
}

/** A request of revision 2026-07-28: its body, and the headers that go with it. `_meta` adds to the envelope. */
export function modern(message: { method: string; params?: Record<string, unknown> }) {
  const _meta = {
    'io.modelcontextprotocol/protocolVersion': '2026-07-28',
    'io.modelcontextprotocol/clientInfo': { name: 'test', version: '1' },
    'io.modelcontextprotocol/clientCapabilities': {},
    ...(message.params?._meta as Record<string, unknown> | undefined),
  };
  const body = { jsonrpc: '2.0', id: 1, ...message, params: { ...message.params, _meta } };
  const name = message.params?.name ?? message.params?.uri;
  const headers = {
    'mcp-protocol-version': '2026-07-28',
    'mcp-method': message.method,
    ...(typeof name === 'string' ? { 'mcp-name': name } : {}),
  };
  return { body, headers };
}

/** The messages of an answer, each as it comes: of an event stream, or the one of a JSON body. */
export async function* eventsOf(response: Response): AsyncGenerator<WireMessage> {
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) {
    const text = await response.text();
    if (text) yield JSON.parse(text);
    return;
  }
  let pending = '';
  for await (const chunk of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
    pending += chunk;
    const lines = pending.split('\n');
    pending = lines.pop() ?? '';
    for (const line of lines) if (line.startsWith('data: ')) yield JSON.parse(line.slice('data: '.length));
  }
}

/** All messages of an answer. */
export function messages(response: Response): Promise<WireMessage[]> {
  return collect(eventsOf(response));
}

/** All that is still to come. */
export async function collect<T>(from: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const each of from) all.push(each);
  return all;
}
