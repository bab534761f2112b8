import { TooManyRequestsError, UnavailableError } from '../../../http/errors.ts';
import { LruMap } from '../../../http/lru-map.ts';
import type { Taken } from '../../../http/rate-limit.ts';
import { describeError, type Logger } from '../../../log.ts';
import { ClientDocumentError } from './client-document-error.ts';
import { fetchJson, type Wanted } from './fetch-json.ts';
import { freshFor } from './freshness.ts';
import type { FetchDocument } from './public-fetch.ts';

/** Who wants a document. */
export interface Asker {
  readonly log: Logger;
  /** Counts a fetch of what is not in memory, where anybody can ask for it. */
  readonly countFetch?: () => Taken;
}

/** Documents in this instance's memory, by their URL. Nothing of them is stored. */
export interface DocumentCache<T> {
  /**
   * A document: from memory while it is fresh, else fetched, by one request for
   * all that ask meanwhile. Where its host is down, what it was serves for a day.
   *
   * @param newerThan milliseconds: one that was fetched longer ago is not fresh
   * @throws ClientDocumentError when it is refused
   * @throws UnavailableError when there is none and its host is down
   * @throws TooManyRequestsError when its asker has asked for too many that are not in memory
   */
  find(url: string, asker: Asker, newerThan?: number): Promise<T>;
}

export interface DocumentCacheOptions<T> extends Wanted {
  readonly fetchDocument: FetchDocument;
  /**
   * Takes what was fetched for what it is meant to be.
   * @throws ClientDocumentError
   */
  readonly read: (json: unknown, url: string) => T;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
}

/** How many documents are remembered, and how many failures. */
const REMEMBERED = 500;
/** How long a document still serves while its host is down, after it was fresh; in milliseconds. */
const STALE_MS = 24 * 3_600_000;
/** How long nobody is asked again after a failure, in milliseconds. */
const FAILED_MS = 30_000;

interface Known<T> {
  readonly value: T;
  readonly fetchedAt: number;
  readonly freshUntil: number;
}

export function createDocumentCache<T>(options: DocumentCacheOptions<T>): DocumentCache<T> {
  const { fetchDocument, read, now } = options;
  const known = new LruMap<Known<T>>(REMEMBERED);
  // Apart, so that whoever names what does not exist pushes nothing out that does.
  const failed = new LruMap<{ error: Error; until: number }>(REMEMBERED);
  const underway = new Map<string, Promise<T>>();

  function fetchShared(url: string, { log, countFetch }: Asker): Promise<T> {
    let fetching = underway.get(url);
    if (!fetching) {
      const taken = known.get(url) ? undefined : countFetch?.();
      if (taken && !taken.ok) throw new TooManyRequestsError(taken.retryAfterSeconds);
      fetching = fetchNow(url, log).finally(() => underway.delete(url));
      underway.set(url, fetching);
    }
    return fetching;
  }

  async function fetchNow(url: string, log: Logger): Promise<T> {
    try {
      const { json, headers } = await fetchJson(fetchDocument, url, options);
      const value = read(json, url);
      known.set(url, { value, fetchedAt: now(), freshUntil: now() + freshFor(headers, now()) });
      failed.delete(url);
      log.info('client document fetched', { url });
      return value;
    } catch (error) {
      if (!(error instanceof ClientDocumentError || error instanceof UnavailableError)) throw error;
      log.warn('client document not fetched', { url, reason: describeError(error) });
      failed.set(url, { error, until: now() + FAILED_MS });
      return inSpiteOf(error, url);
    }
  }

  /** What was fetched before, where that still counts. What its host has withdrawn never counts again. */
  function inSpiteOf(error: Error, url: string): T {
    const before = known.get(url);
    const until = before && before.freshUntil + (error instanceof UnavailableError ? STALE_MS : 0);
    if (before && until !== undefined && now() < until) return before.value;
    known.delete(url);
    throw error;
  }

  return {
    async find(url, asker, newerThan = Number.POSITIVE_INFINITY) {
      const before = known.get(url);
      if (before && now() < Math.min(before.freshUntil, before.fetchedAt + newerThan)) return before.value;
      const failure = failed.get(url);
      return failure && now() < failure.until ? inSpiteOf(failure.error, url) : fetchShared(url, asker);
    },
  };
}
