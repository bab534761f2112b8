import { afterAll, beforeAll, expect, test } from 'vitest';
import { freshStorage } from '../support/azurite.ts';
import type { AuthenticatingProxy } from './authenticating-proxy.ts';
import { startFixture } from './fixture.ts';
import { runSuite } from './suite.ts';
import { expected, judge, known, REVISIONS, type Revision } from './verdict.ts';

/** What `npm run conformance` prints, asserted: the counts, and each check by its id. */
let fixture: AuthenticatingProxy;
beforeAll(async () => {
  fixture = await startFixture(freshStorage().connectionString);
});
afterAll(() => fixture.stop());

test.concurrent.each(Object.entries(REVISIONS))(
  'what revision %s requires comes out as expected',
  { timeout: 60_000 },
  async (name, [passing, of]) => {
    const revision = name as Revision;
    const { passed, failed, outcome, messages } = await judge(revision, await runSuite(fixture.url, revision));
    expect(outcome, messages.join('\n')).toEqual(await expected(revision));
    expect([passed.length, passed.length + failed.length]).toEqual([passing, of]);
    expect(failed.toSorted()).toEqual(revision === '2025-11-25' ? Object.keys(await known()).toSorted() : []);
  },
);

test.concurrent('a server that is not there passes nothing', { timeout: 60_000 }, async () => {
  const { outcome } = await judge('2026-07-28', await runSuite('http://localhost:1/mcp', '2026-07-28'));
  const wanted = await expected('2026-07-28');
  for (const [scenario, checks] of Object.entries(wanted)) expect(outcome[scenario], scenario).not.toEqual(checks);
});
