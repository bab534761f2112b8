/** `npm start`: builds the app and runs it on this machine, with all that it needs around it. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { build, type Rebuilt, watch } from '../build.ts';
import { type App, appOf } from './local/app.ts';
import { dataFolder, planFor } from './local/plan.ts';
import { checkPorts } from './local/ports.ts';
import { readFlags, runScript } from './local/script.ts';
import { startServices } from './local/services.ts';
import { aborted } from './local/signals.ts';
import { summary, warning } from './local/summary.ts';

const help = `npm start: builds the app and runs it here, with a storage emulator and a stand-in for Entra ID.

  npm start                  runs, and reloads when a source file changes; Ctrl-C stops everything
  npm start -- --no-watch    does not reload
  npm start -- --help        shows this

Settings (environment variables)
  SERVER_PORT                      the app's port (7071)
  SERVER_HOST                      the app's name on this machine: localhost (as it is), 127.0.0.1 or [::1]
  ENTRA_PORT                       the stand-in's port (7073)
  AZURITE_TABLE_PORT               the table emulator's port (10002)
  AUTH_TENANT_ID, AUTH_CLIENT_ID   your own registration: people sign in at the real Entra, no stand-in is started
  AzureWebJobsStorage              your own storage account: no emulator is started
  LOG_LEVEL                        DEBUG shows each step of a sign-in

The app's other settings count too; local.settings.example.json has them all.`;

const outdir = join(import.meta.dirname, '../dist');

await runScript(async (stack, stopped) => {
  const flags = readFlags(process.argv.slice(2), ['help', 'no-watch']);
  if (flags.has('help')) return console.log(help);
  const watches = !flags.has('no-watch');

  const started = performance.now();
  const plan = planFor(process.env, { clientSecret: randomBytes(32).toString('base64url'), location: dataFolder });
  for (const text of plan.warnings) console.warn(warning(text));
  await checkPorts(plan.ports);

  console.log('Building …');
  const built = await build({ outdir });
  console.log('Starting …');
  await startServices(plan, stack);
  stopped.throwIfAborted();

  const over = new AbortController();
  const died = (code: number | null) => {
    console.error(`The app ended by itself, with code ${code}.`);
    if (watches) return console.error(warning('the next change starts it again.'));
    process.exitCode = 1;
    over.abort();
  };
  const app = appOf({ plan, root: outdir, stopped, say: line => console.log(line), died });
  stack.defer(() => app.stop());
  await app.restart();
  if (watches) {
    const onRebuild = (rebuilt: Rebuilt) => reload(app, rebuilt, stopped);
    const watching = await watch({ outdir, last: built, onRebuild });
    stack.defer(() => watching.stop());
  }
  stopped.throwIfAborted();

  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  console.log(`\n${summary(plan)}\n`);
  console.log(
    `Ready in ${seconds} s. ${watches ? 'A change of a source file reloads it. ' : ''}Ctrl-C stops everything.`,
  );

  await aborted(AbortSignal.any([stopped, over.signal]));
  console.log('\nStopping …');
});

/** The app on its port goes on with the new build; the emulator and the stand-in stay as they are. */
async function reload(app: App, rebuilt: Rebuilt, stopped: AbortSignal): Promise<void> {
  if (stopped.aborted) return;
  if (!rebuilt.ok) {
    console.error(`${rebuilt.message}\n${warning('this does not build; what ran before keeps running.')}`);
    return;
  }
  try {
    await app.restart();
    console.log(`Reloaded at ${new Date().toLocaleTimeString()}.`);
  } catch (error) {
    if (stopped.aborted) return;
    console.error(error instanceof Error ? error.message : error);
    console.error(warning('the app is down until the next change.'));
  }
}
