import { afterEach, expect, test, vi } from 'vitest';
import { DownstreamRefusedError } from '../../../src/access/downstream.ts';
import { UnavailableError } from '../../../src/http/errors.ts';
import { createLogger } from '../../../src/log.ts';
import { type GraphProfile, graphProfile } from '../../../src/mcp/graph-profile.ts';

afterEach(() => {
  vi.useRealTimers();
});

const JOB = { jobTitle: 'Analyst', officeLocation: 'London' };
const picture = (bytes: number, type = 'image/jpeg') =>
  new Response(new Uint8Array(bytes), { headers: { 'content-type': type } });

interface Answers {
  me?: () => Response | Promise<Response>;
  photo?: () => Response | Promise<Response>;
  tokenFor?: () => Promise<{ token: string; expiresAt: number }>;
  signal?: AbortSignal;
}

function ask({
  me = () => Response.json(JOB),
  photo = () => picture(3),
  tokenFor = async () => ({ token: 'a token', expiresAt: 0 }),
  signal = new AbortController().signal,
}: Answers): Promise<GraphProfile> {
  const fetch = async (input: string | URL | Request) => (String(input).includes('/photos/') ? photo() : me());
  return graphProfile({
    tokenFor,
    signal,
    log: createLogger('debug', () => {}),
    graph: { url: 'https://graph.example/v1.0', fetch, userRead: true },
  });
}

test('is what Graph tells', async () => {
  expect(await ask({})).toEqual({ jobTitle: 'Analyst', office: 'London', photo: 'data:image/jpeg;base64,AAAA' });
});

test.each<[string, Answers, GraphProfile]>([
  ['no photo', { photo: () => new Response(null, { status: 404 }) }, { jobTitle: 'Analyst', office: 'London' }],
  ['a photo of 64 KiB and a byte', { photo: () => picture(65_537) }, { jobTitle: 'Analyst', office: 'London' }],
  ['a photo that is no picture', { photo: () => picture(3, 'text/html') }, { jobTitle: 'Analyst', office: 'London' }],
  [
    'a picture that could hold a script',
    { photo: () => picture(3, 'image/svg+xml') },
    { jobTitle: 'Analyst', office: 'London' },
  ],
  ['forbidden', { me: () => new Response('{}', { status: 403 }) }, { photo: 'data:image/jpeg;base64,AAAA' }],
  [
    'neither job nor office',
    { me: () => Response.json({ jobTitle: null, officeLocation: 7 }) },
    { photo: 'data:image/jpeg;base64,AAAA' },
  ],
  ['no JSON', { me: () => new Response('<html>') }, { photo: 'data:image/jpeg;base64,AAAA' }],
  [
    'no answer',
    { me: () => Promise.reject(new TypeError('reset')), photo: () => Promise.reject(new TypeError('reset')) },
    {},
  ],
  ['no token', { tokenFor: () => Promise.reject(new DownstreamRefusedError('consent')) }, {}],
  ['Entra down', { tokenFor: () => Promise.reject(new UnavailableError('entra', 'down')) }, {}],
])('%s: it is left out', async (_what, answers, expected) => {
  expect(await ask(answers)).toEqual(expected);
});

test('a photo of 64 KiB is shown', async () => {
  expect((await ask({ photo: () => picture(65_536) })).photo).toHaveLength('data:image/jpeg;base64,'.length + 87_384);
});

test('Graph is waited for three seconds', async () => {
  vi.useFakeTimers();
  const slow = ask({ me: () => new Promise(() => {}) });
  await vi.advanceTimersByTimeAsync(2_999);
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(1);
  expect(await slow).toEqual({});
});
