import { describe, expect, test } from 'vitest';
import type { RequestContext } from '../../../src/http/endpoint.ts';
import { BadRequestError, UnavailableError } from '../../../src/http/errors.ts';
import { createLogger } from '../../../src/log.ts';
import { type Failure, failure, refusedByEntra, withFailurePages } from '../../../src/oauth/failure.ts';

const lines: string[] = [];
const context: RequestContext = {
  correlationId: '0123456789abcdef0123456789abcdef',
  log: createLogger('debug', (_level, line) => lines.push(line)),
};
const browser = { accept: 'text/html,application/xhtml+xml' };
const request = (headers: Record<string, string> = browser) => new Request('https://notes.example/x', { headers });
const fault: Failure = { status: 400, error: 'invalid_request', what: 'What happened.', todo: 'What to do.' };

describe('a failure', () => {
  test.each([
    [400, undefined, 'This did not work'],
    [403, undefined, 'This did not work'],
    [429, 60, 'Too many requests'],
    [503, 5, 'Try again in a moment'],
  ])('of status %i is a page: what happened, what to do, the number to quote', async (status, retry, title) => {
    const response = failure(request(), context, {
      ...fault,
      status,
      ...(retry === undefined ? {} : { retryAfterSeconds: retry }),
    });
    expect(response.status).toBe(status);
    expect(response.headers.get('retry-after')).toBe(retry === undefined ? null : String(retry));
    const html = await response.text();
    for (const text of [`<h1>${title}</h1>`, 'What happened.', 'What to do.', context.correlationId]) {
      expect(html).toContain(text);
    }
  });

  test('is JSON for a program that asks for it', async () => {
    const json = failure(request({ accept: 'application/json' }), context, {
      ...fault,
      status: 429,
      retryAfterSeconds: 7,
    });
    expect([json.status, json.headers.get('retry-after')]).toEqual([429, '7']);
    expect(await json.json()).toEqual({
      error: 'invalid_request',
      error_description: 'What happened. What to do.',
    });
    const both = failure(request({ accept: 'text/html,application/json' }), context, fault);
    expect(both.headers.get('content-type')).toContain('text/html');
  });
});

describe('what an endpoint throws', () => {
  const thrown = async (error: unknown) => {
    const response = await withFailurePages(async () => {
      throw error;
    })(request(), context);
    return { response, html: await response.text() };
  };

  test.each([
    ['storage', /storage of this server does not answer/],
    ['entra', /Microsoft Entra ID does not answer/],
    ['client document', /description.*cannot be fetched/],
    // What a handler of an app's own asks.
    ['the reports', /the reports cannot be reached just now/],
  ] as const)('an outage of %s is 503, with nothing lost', async (service, words) => {
    const { response, html } = await thrown(new UnavailableError(service, new Error('the cause'), 9));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '9']);
    expect(html).toMatch(words);
    expect(html).toContain('Wait 9 seconds, then load this page again. Nothing is lost.');
    expect(html).not.toContain('the cause');
  });

  test('a request that cannot be read is told so', async () => {
    const { response, html } = await thrown(new BadRequestError('The body is not a form.', 413));
    expect(response.status).toBe(413);
    expect(html).toContain('The body is not a form.');
  });

  test('a mistake of ours tells nothing of itself', async () => {
    const { response, html } = await thrown(new Error('an inner secret'));
    expect(response.status).toBe(500);
    expect(html).toContain('This server made a mistake.');
    expect(html).not.toContain('inner secret');
    expect(html).toContain(context.correlationId);
  });
});

describe('a refusal of Entra’s, where there is no client to tell', () => {
  const refusal = { what: 'What.', todo: 'Do.', code: 'AADSTS50105' };

  test('leads to another account where that may help, for Entra would take the same again', () => {
    for (const error of ['access_denied', 'account_selection_required'] as const) {
      expect(refusedByEntra({ ...refusal, error })).toMatchObject({
        status: 403,
        code: 'AADSTS50105',
        action: { href: '/auth/login?prompt=select_account' },
      });
    }
  });

  test('leads to the sign-in again elsewhere, and says how long to wait where Entra is busy', () => {
    expect(refusedByEntra({ ...refusal, error: 'server_error' })).toMatchObject({
      status: 403,
      action: { href: '/auth/login' },
    });
    expect(refusedByEntra({ ...refusal, error: 'temporarily_unavailable' })).toMatchObject({
      status: 503,
      retryAfterSeconds: 60,
    });
  });
});
