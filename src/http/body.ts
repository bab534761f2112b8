import { BadRequestError } from './errors.ts';

/** What a form endpoint reads at most, in bytes. */
export const FORM_LIMIT = 64 * 1024;

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/**
 * Reads a request's body once, whole.
 *
 * @param limit in bytes; nothing beyond it is kept in memory
 * @throws BadRequestError 413 when the body is longer
 */
export async function readBytes(request: Request, limit: number): Promise<Uint8Array> {
  const declared = Number(request.headers.get('content-length') ?? 0);
  if (declared > limit) throw tooLarge(limit);
  const chunks: Uint8Array[] = [];
  let length = 0;
  if (request.body) {
    // By its reader, which costs half of what `for await` does in each call of a tool.
    const reader = request.body.getReader();
    try {
      for (let read = await reader.read(); !read.done; read = await reader.read()) {
        length += read.value.byteLength;
        // Not cancelled: that would cut the connection before the answer is out.
        if (length > limit) throw tooLarge(limit);
        chunks.push(read.value);
      }
    } finally {
      reader.releaseLock();
    }
  }
  return Buffer.concat(chunks, length);
}

/** How long what is left of a body is read away, in milliseconds. */
const DRAIN_MS = 5_000;

/**
 * Reads away what an endpoint has left of a body, keeping nothing. To be waited
 * for before the answer goes out: Node stops reading a request that was answered
 * half-way, and whatever comes next over its connection then hangs. Gives up
 * after five seconds; never fails.
 */
export async function drain(request: { readonly body: ReadableStream | null }): Promise<void> {
  if (!request.body || request.body.locked) return;
  const reader = request.body.getReader();
  const late = setTimeout(() => reader.cancel().catch(() => {}), DRAIN_MS);
  try {
    while (!(await reader.read()).done);
  } catch {
    // The sender is gone: there is nothing left to read.
  } finally {
    clearTimeout(late);
  }
}

/**
 * Reads a form (`application/x-www-form-urlencoded`) with each parameter at
 * most once, as RFC 6749 section 3.1 and 3.2 ask.
 *
 * Only bytes that form encoding leaves bare are let through. The Functions host
 * replaces all headers of a request whose body it takes for a JSON object, and
 * its JSON parser is lenient; a form that holds no brace, quote or white space
 * is one it cannot take for JSON.
 *
 * @throws BadRequestError 400, 413 or 415
 */
export async function readForm(request: Request, limit = FORM_LIMIT): Promise<FormParameters> {
  const type = request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase();
  const bytes = await readBytes(request, limit);
  if (bytes.length > 0 && type !== 'application/x-www-form-urlencoded') {
    throw new BadRequestError('Send the body as application/x-www-form-urlencoded.', 415);
  }
  if (bytes.some(byte => !FORM_BYTES.has(byte))) throw new BadRequestError('The body is not a form.');
  return new FormParameters(new URLSearchParams(Buffer.from(bytes).toString('latin1')));
}

/** The bytes of the URL standard's form encoding, and those that clients leave bare beside it. */
const FORM_BYTES = new Set(
  Buffer.from('ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-._+%&=~!$(),;:@/?'),
);

/** Parameters of a query or a form. An empty value counts as absent (RFC 6749 section 3.1). */
export class FormParameters {
  readonly #parameters: URLSearchParams;

  constructor(parameters: URLSearchParams) {
    this.#parameters = parameters;
  }

  /**
   * The value of a parameter that may come once.
   * @throws BadRequestError when it comes more than once
   */
  get(name: string): string | undefined {
    const values = this.#parameters.getAll(name);
    if (values.length > 1) throw new BadRequestError(`The parameter ${name} comes more than once.`);
    return values[0] || undefined;
  }

  /** All values of a field that may come several times, such as a form's checkboxes. */
  all(name: string): string[] {
    return this.#parameters.getAll(name).filter(Boolean);
  }

  /** The query of a request's URL. */
  static ofQuery(request: Request): FormParameters {
    return new FormParameters(new URL(request.url).searchParams);
  }
}

/**
 * Parses a body as strict JSON in valid UTF-8, its top an object without a key
 * that the Functions host takes for the request's own headers.
 *
 * @throws BadRequestError
 */
export async function readJson(request: Request, limit: number): Promise<unknown> {
  return parseJson(await readBytes(request, limit));
}

/** See {@link readJson}. */
export function parseJson(bytes: Uint8Array): unknown {
  let value: unknown;
  try {
    value = JSON.parse(utf8.decode(bytes));
  } catch {
    throw new BadRequestError('The body is not JSON.');
  }
  if (value !== null && typeof value === 'object' && Object.keys(value).some(isHeadersKey)) {
    throw new BadRequestError('The body has a key named "headers", which no request here has.');
  }
  return value;
}

/** Whether the Functions host would take a query's or a body's key for the request's headers. */
export function isHeadersKey(key: string): boolean {
  return key.toLowerCase() === 'headers';
}

function tooLarge(limit: number): BadRequestError {
  return new BadRequestError(`The body is longer than ${limit} bytes.`, 413);
}
