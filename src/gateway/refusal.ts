import { INTERNAL_ERROR, jsonRpcError } from '../http/json-rpc.ts';

/** Why a message goes no further, or its answer does not come back: told to the client as a JSON-RPC error. */
export class Refusal extends Error {
  override readonly name = 'Refusal';
  readonly status: number;
  readonly code: number;
  readonly headers: Record<string, string>;

  /** @param message for the client's person: what happened, and what to do where something can be done */
  constructor(status: number, message: string, code: number = INTERNAL_ERROR, headers: Record<string, string> = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.headers = headers;
  }

  /** @param id of the request that it answers */
  response(id: string | number | null): Response {
    return jsonRpcError(this.status, this.code, this.message, id, this.headers);
  }
}
