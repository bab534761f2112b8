/**
 * `npm run conformance`: the protocol's own suite against the fixture app, with what each revision requires. Prints how
 * many scenarios pass, and fails when a check comes out otherwise than expected. With `-- --update` it writes down what
 * came out, to be looked at before it is committed; with `-- gateway` the suite reaches the fixture app through the
 * gateway of the deployed one, and the same is expected.
 */
import { isDeepStrictEqual } from 'node:util';
import { startAzurite } from '../../dev/azurite/index.ts';
import { startFixture, startGateway } from './fixture.ts';
import { runSuite } from './suite.ts';
import { expected, judge, known, REVISIONS, type Revision, saveExpected } from './verdict.ts';

await using started = new AsyncDisposableStack();
const azurite = await startAzurite();
started.defer(() => azurite.stop());
const fixture = await startFixture(azurite.connectionString);
started.defer(() => fixture.stop());
const server = process.argv.includes('gateway') ? await startGateway(azurite.connectionString, fixture) : fixture;
if (server !== fixture) started.defer(() => server.stop());

const reasons = await known();
for (const revision of Object.keys(REVISIONS) as Revision[]) {
  const { passed, failed, outcome, messages } = await judge(revision, await runSuite(server.url, revision));
  console.log(`${revision}: ${passed.length} of ${passed.length + failed.length} scenarios pass.`);
  for (const scenario of failed) console.log(`  ${scenario} fails: ${reasons[scenario] ?? 'and should not.'}`);
  if (process.argv.includes('--update')) await saveExpected(revision, outcome);
  else if (!isDeepStrictEqual(outcome, await expected(revision))) {
    console.error(`  Not as expected (tests/conformance/expected/${revision}.json).`);
    for (const message of messages) console.error(`  ${message}`);
    process.exitCode = 1;
  }
}
