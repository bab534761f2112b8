import { UnavailableError } from '../../../http/errors.ts';
import { ClientDocumentError } from './client-document-error.ts';
import type { FetchDocument } from './public-fetch.ts';

/** How long an answer may take from the first byte of the question to its own last, in milliseconds. */
const TIMEOUT_MS = 5_000;

/** What is fetched, and what it may be. */
export interface Wanted {
  /** As a sentence names it. */
  readonly name: string;
  /** In bytes. */
  readonly limit: number;
}

/**
 * Fetches JSON: status 200, a JSON content type, no redirect, 5 seconds in all.
 *
 * @throws ClientDocumentError for an answer that is none of these
 * @throws UnavailableError where there was no answer, or one that says "later"
 */
export async function fetchJson(
  fetchDocument: FetchDocument,
  url: string,
  { name, limit }: Wanted,
): Promise<{ json: unknown; headers: Headers }> {
  try {
    const response = await fetchDocument(url, AbortSignal.timeout(TIMEOUT_MS));
    const { status, headers } = response;
    if (status >= 500 || status === 429 || status === 408) throw new Error(`its host answered ${status}`);
    if (status !== 200) {
      const redirect = status >= 300 && status < 400;
      throw new ClientDocumentError(
        redirect ? `${name} is a redirect, which is not followed` : `${name} was answered with status ${status}`,
      );
    }
    const type = headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() ?? '';
    if (!/^application\/([\w.-]+\+)?json$/.test(type)) throw new ClientDocumentError(`${name} is not served as JSON`);
    return { json: parse(await readUpTo(response, limit, name), name), headers };
  } catch (error) {
    throw error instanceof ClientDocumentError ? error : new UnavailableError('client document', error, 30);
  }
}

async function readUpTo(response: Response, limit: number, name: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop cancels the body, and with it the connection.
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > limit) throw new ClientDocumentError(`${name} is longer than ${limit} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks, length);
}

function parse(bytes: Uint8Array, name: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new ClientDocumentError(`${name} is not JSON`);
  }
}
