import { beforeEach, describe, expect, test } from 'vitest';
import { UnavailableError } from '../../../../src/http/errors.ts';
import { createLogger } from '../../../../src/log.ts';
import { ClientDocumentError } from '../../../../src/oauth/clients/documents/client-document-error.ts';
import { createDocumentCache, type DocumentCache } from '../../../../src/oauth/clients/documents/document-cache.ts';

const log = createLogger('error', () => {});
const URL = 'https://client.example/id';
const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

let now: number;
let fetched: string[];
let answer: (url: string) => Response | Promise<Response>;
let cache: DocumentCache<string>;

/** The server's answer; fresh for 10 minutes. */
const says = (body: unknown, headers: Record<string, string> = { 'cache-control': 'max-age=600' }) =>
  Response.json(body, { headers });
const gone = () => new Response(null, { status: 404 });
const down = () => {
  throw new Error('ECONNREFUSED');
};

beforeEach(() => {
  now = Date.UTC(2030, 0, 1);
  fetched = [];
  answer = () => says('one');
  cache = createDocumentCache<string>({
    name: 'It',
    limit: 100,
    fetchDocument: async url => {
      fetched.push(url);
      return answer(url);
    },
    read: json => {
      if (typeof json !== 'string') throw new ClientDocumentError('It is no text');
      return json;
    },
    now: () => now,
  });
});

const find = (url = URL, newerThan?: number) => cache.find(url, { log }, newerThan);

test('its asker’s limit counts what has to be fetched and is not in memory, failures each time', async () => {
  let counted = 0;
  const asker = {
    log,
    countFetch: () => (++counted > 3 ? { ok: false as const, retryAfterSeconds: 7 } : { ok: true as const }),
  };
  for (let i = 0; i < 5; i++) expect(await cache.find(URL, asker)).toBe('one');
  expect(counted).toBe(1);
  answer = () => new Response(null, { status: 404 });
  for (let i = 0; i < 2; i++) {
    await expect(cache.find('https://other.example/x', asker)).rejects.toBeInstanceOf(ClientDocumentError);
    now += 31_000;
  }
  expect(counted).toBe(3);
  await expect(cache.find('https://third.example/x', asker)).rejects.toMatchObject({ retryAfterSeconds: 7 });
  answer = () => says('two');
  now += 10 * MINUTE;
  // One that is in memory is fetched again all the same.
  expect(await cache.find(URL, asker)).toBe('two');
});

describe('freshness', () => {
  test('a thousand look-ups are one fetch; after its time it is fetched again', async () => {
    for (let i = 0; i < 1_000; i++) expect(await find()).toBe('one');
    expect(fetched).toHaveLength(1);
    answer = () => says('two');
    now += 10 * MINUTE - 1;
    expect(await find()).toBe('one');
    now += 1;
    expect(await find()).toBe('two');
    expect(fetched).toHaveLength(2);
  });

  test('who asks while it is fetched waits for the same one', async () => {
    const found = await Promise.all(Array.from({ length: 50 }, () => find()));
    expect([new Set(found), fetched.length]).toEqual([new Set(['one']), 1]);
    now += DAY;
    await Promise.all(Array.from({ length: 50 }, () => find()));
    expect(fetched).toHaveLength(2);
  });

  test('one that must be newer is fetched before its time', async () => {
    await find();
    now += MINUTE - 1;
    expect(await find(URL, MINUTE)).toBe('one');
    expect(fetched).toHaveLength(1);
    now += 1;
    answer = () => says('two');
    expect(await find(URL, MINUTE)).toBe('two');
    answer = gone;
    now += MINUTE;
    expect(await find(URL, MINUTE)).toBe('two');
  });
});

describe('its host is down', () => {
  test('what it was serves for a day after it was fresh; then nothing does', async () => {
    await find();
    answer = down;
    now += 10 * MINUTE + DAY - 1;
    expect(await find()).toBe('one');
    now += 1;
    await expect(find()).rejects.toBeInstanceOf(UnavailableError);
  });

  test('it is asked every 30 seconds, and what it says then counts', async () => {
    await find();
    answer = down;
    now += 10 * MINUTE;
    for (let i = 0; i < 10; i++) expect(await find()).toBe('one');
    expect(fetched).toHaveLength(2);
    answer = () => says('two');
    now += 30_000;
    expect(await find()).toBe('two');
  });

  test('at first contact: unavailable, and not asked again for 30 seconds', async () => {
    answer = down;
    for (let i = 0; i < 10; i++) await expect(find()).rejects.toBeInstanceOf(UnavailableError);
    expect(fetched).toHaveLength(1);
    answer = () => says('one');
    now += 30_000;
    expect(await find()).toBe('one');
  });
});

describe('it is gone, or became wrong', () => {
  test.each([
    ['404', gone],
    ['invalid', () => says(7)],
    ['a page', () => new Response('<html>', { headers: { 'content-type': 'text/html' } })],
  ])('%s: serves while it is fresh, not a moment longer', async (_what, wrong) => {
    await find();
    answer = wrong;
    now += 10 * MINUTE - 1;
    expect(await find()).toBe('one');
    now += 1;
    for (let i = 0; i < 10; i++) await expect(find()).rejects.toBeInstanceOf(ClientDocumentError);
    expect(fetched).toHaveLength(2);
  });

  test('an outage after it was withdrawn does not bring it back', async () => {
    await find();
    answer = gone;
    now += 10 * MINUTE;
    await expect(find()).rejects.toBeInstanceOf(ClientDocumentError);
    answer = down;
    now += 30_000;
    await expect(find()).rejects.toBeInstanceOf(UnavailableError);
  });
});

describe('memory and fetches are bounded', () => {
  test('500 are remembered; what was used least lately is forgotten', async () => {
    await find();
    for (let i = 0; i < 499; i++) await find(`${URL}/${i}`);
    await find();
    await find(`${URL}/one-more`);
    fetched = [];
    await find();
    expect(fetched).toEqual([]);
    now += MINUTE;
    await find(`${URL}/0`);
    expect(fetched).toEqual([`${URL}/0`]);
  });

  test('what does not exist pushes nothing out', async () => {
    await find();
    answer = gone;
    for (let i = 0; i < 1_000; i++) {
      now += 100;
      await expect(find(`${URL}/${i}`)).rejects.toBeInstanceOf(ClientDocumentError);
    }
    fetched = [];
    expect(await find()).toBe('one');
    expect(fetched).toEqual([]);
  });
});
