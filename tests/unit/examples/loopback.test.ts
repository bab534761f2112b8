import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LoopbackReceiver, startReceiver } from '../../../examples/client/loopback.ts';

let receiver: LoopbackReceiver;
beforeEach(async () => {
  receiver = await startReceiver();
});
afterEach(() => receiver.close());

const minute = 60_000;
const open = (query: string, init?: RequestInit) => fetch(`${receiver.redirectUrl}?${query}`, init);

test('hands over the answer, and says so in the browser without repeating it', async () => {
  const answer = receiver.answerTo('right', minute);
  const page = await open('code=secret-code&state=right&iss=https%3A%2F%2Fas.example');
  expect(page.status).toBe(200);
  expect(Object.fromEntries(await answer)).toEqual({ code: 'secret-code', state: 'right', iss: 'https://as.example' });
  const text = await page.text();
  expect(text).toContain('go back to the terminal');
  expect(text).not.toContain('secret-code');
  expect(Object.fromEntries(page.headers)).toMatchObject({
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    'content-security-policy': expect.stringContaining("default-src 'none'"),
  });
});

test('an answer counts once', async () => {
  const answer = receiver.answerTo('right', minute);
  await open('code=first&state=right');
  expect((await open('code=second&state=right')).status).toBe(400);
  expect((await answer).get('code')).toBe('first');
});

test.each(['code=forged&state=wrong', 'code=forged', 'state=', 'error=access_denied&state=wrong'])(
  'a forged answer is refused and ends nothing (%s)',
  async query => {
    const answer = receiver.answerTo('right', minute);
    expect((await open(query)).status).toBe(400);
    await open('code=real&state=right');
    expect((await answer).get('code')).toBe('real');
  },
);

test('nothing is accepted when nothing is waited for', async () => {
  expect((await open('code=c&state=')).status).toBe(400);
  expect((await open('code=c')).status).toBe(400);
});

test('other pages and methods are not answered with an answer', async () => {
  const answer = receiver.answerTo('right', minute);
  expect((await fetch(new URL('/favicon.ico?state=right', receiver.redirectUrl))).status).toBe(404);
  expect((await open('code=c&state=right', { method: 'POST' })).status).toBe(404);
  await open('error=access_denied&error_description=%3Cscript%3E&state=right').then(async page => {
    const text = await page.text();
    expect(text).toContain('did not succeed');
    expect(text).not.toContain('script');
  });
  expect((await answer).get('error')).toBe('access_denied');
});

test('the waiting ends', async () => {
  await expect(receiver.answerTo('right', 0)).rejects.toThrow('Nobody signed in');
  expect((await open('code=late&state=right')).status).toBe(400);
});

test('takes the port it had if that is free, and any other if not', async () => {
  const port = Number(new URL(receiver.redirectUrl).port);
  const other = await startReceiver(port);
  expect(other.redirectUrl).not.toBe(receiver.redirectUrl);
  await other.close();
  const { redirectUrl } = receiver;
  await receiver.close();
  receiver = await startReceiver(port);
  expect(receiver.redirectUrl).toBe(redirectUrl);
});
