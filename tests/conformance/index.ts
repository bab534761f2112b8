/** `npm run conformance`: the protocol's own suite against the fixture app, with what each revision requires. */
import { isDeepStrictEqual } from 'node:util';
import { startAzurite } from '../../dev/azurite/index.ts';
import { readFlags, runScript } from '../../dev/local/script.ts';
import { startFixture, startGateway } from './fixture.ts';
import { runSuite } from './suite.ts';
import { expected, judge, known, REVISIONS, type Revision, saveExpected } from './verdict.ts';

const help = `npm run conformance: runs the protocol's own suite; ends with 1 when a check comes out otherwise than expected.

  npm run conformance              prints how many scenarios pass, of each revision
  npm run conformance -- gateway   reaches the same app through the gateway of the deployed one; the same is expected
  npm run conformance -- --update  writes down what came out: look at it before you commit it
  npm run conformance -- --help    shows this`;

await runScript(async (stack, stopped) => {
  const chosen = readFlags(process.argv.slice(2), ['help', 'update'], ['gateway']);
  if (chosen.has('help')) return console.log(help);
  const azurite = await startAzurite();
  stack.defer(() => azurite.stop());
  const fixture = await startFixture(azurite.connectionString);
  stack.defer(() => fixture.stop());
  const server = chosen.has('gateway') ? await startGateway(azurite.connectionString, fixture) : fixture;
  if (server !== fixture) stack.defer(() => server.stop());
  console.log(`Asked at ${new URL(server.url).pathname}.`);

  const reasons = await known();
  for (const revision of Object.keys(REVISIONS) as Revision[]) {
    stopped.throwIfAborted();
    const { passed, failed, outcome, messages } = await judge(revision, await runSuite(server.url, revision));
    console.log(`${revision}: ${passed.length} of ${passed.length + failed.length} scenarios pass.`);
    for (const scenario of failed) console.log(`  ${scenario} fails: ${reasons[scenario] ?? 'and should not.'}`);
    if (chosen.has('update')) await saveExpected(revision, outcome);
    else if (!isDeepStrictEqual(outcome, await expected(revision))) {
      console.error(`  Not as expected (tests/conformance/expected/${revision}.json).`);
      for (const message of messages) console.error(`  ${message}`);
      process.exitCode = 1;
    }
  }
});
