import type { Endpoint } from './http/endpoint.ts';
import { json } from './http/responses.ts';
import type { StorageCheck } from './storage/check.ts';

/** Whether this instance can serve: 200, or 503 while storage does not answer. Tells nothing else of the server. */
export function healthEndpoint(storageAnswers: StorageCheck, version: string): Endpoint {
  return async () => {
    const reachable = await storageAnswers();
    return reachable
      ? json(200, { status: 'ok', version, storage: 'reachable' })
      : json(503, { status: 'unavailable', version, storage: 'unreachable' }, { 'retry-after': '5' });
  };
}
