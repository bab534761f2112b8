import { json } from './responses.ts';

/** The codes of JSON-RPC 2.0 section 5.1 that this endpoint answers by itself. */
export const PARSE_ERROR = -32700;
export const INVALID_REQUEST = -32600;
export const METHOD_NOT_FOUND = -32601;
export const INVALID_PARAMS = -32602;
export const INTERNAL_ERROR = -32603;
/** For what HTTP refused before there was a JSON-RPC request; in the range for servers. */
export const REFUSED = -32000;

/** One JSON-RPC message as it came: nothing about it is checked. */
export type Message = Record<string, unknown>;

/** Whether this is one message: an object that says so. */
export function isMessage(value: unknown): value is Message {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    'jsonrpc' in value &&
    value.jsonrpc === '2.0'
  );
}

/** The messages of a body: one, or those of a batch (revision 2025-03-26). What is no object is left out. */
export function messagesOf(body: unknown): Message[] {
  return (Array.isArray(body) ? body : [body]).filter(
    (message): message is Message => typeof message === 'object' && message !== null && !Array.isArray(message),
  );
}

/** The id to answer under: that of a single request; `null` for everything else, as JSON-RPC says. */
export function requestId(body: unknown): string | number | null {
  if (Array.isArray(body)) return null;
  const id = messagesOf(body)[0]?.id;
  return typeof id === 'string' || typeof id === 'number' ? id : null;
}

/** A JSON-RPC error under an HTTP status. */
export function jsonRpcError(
  status: number,
  code: number,
  message: string,
  id: string | number | null = null,
  headers: Record<string, string> = {},
): Response {
  return json(status, { jsonrpc: '2.0', id, error: { code, message } }, headers);
}
