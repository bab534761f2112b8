/** `npm run func`: the same app on the real host, Azure Functions Core Tools, with all that it needs around it. */
import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { build } from '../build.ts';
import { findFunc, startFunc } from './local/core-tools.ts';
import { untilHealthy } from './local/health.ts';
import { dataFolder, planFor } from './local/plan.ts';
import { checkPorts } from './local/ports.ts';
import { readFlags, runScript, UsageError } from './local/script.ts';
import { startServices } from './local/services.ts';
import { aborted } from './local/signals.ts';
import { summary, warning } from './local/summary.ts';

const help = `npm run func: builds the app and runs it on Azure Functions Core Tools, with a storage emulator and a stand-in for Entra ID.

  npm run func             runs until Ctrl-C
  npm run func -- --help   shows this

The settings are those of npm start (npm start -- --help), and AZURITE_BLOB_PORT (10000), where the host keeps its
timers. What is set here beats local.settings.json.`;

const howToInstall = `func is not on the PATH: Azure Functions Core Tools is not installed. Any of these installs it:
  npm install -g azure-functions-core-tools@4
  brew tap azure/functions && brew install azure-functions-core-tools@4
  winget install Microsoft.Azure.FunctionsCoreTools
Without it, npm start runs the app on the local host.`;

const root = join(import.meta.dirname, '..');

/** The host's first start may have to unpack things. */
const startTimeout = 120_000;

await runScript(async (stack, stopped) => {
  if (readFlags(process.argv.slice(2), ['help']).has('help')) return console.log(help);
  const func = findFunc(process.env);
  if (func === undefined) throw new UsageError(howToInstall);

  const clientSecret = randomBytes(32).toString('base64url');
  const plan = planFor(process.env, { clientSecret, location: dataFolder, blob: true });
  for (const text of plan.warnings) console.warn(warning(text));
  await checkPorts(plan.ports);

  console.log('Building …');
  await build({ outdir: join(root, 'dist') });
  console.log('Starting …');
  await startServices(plan, stack);
  stopped.throwIfAborted();

  const host = startFunc(func, root, plan.app.port, {
    ...plan.env,
    FUNCTIONS_WORKER_RUNTIME: 'node',
    // The host's own page would be at / otherwise.
    AzureWebJobsDisableHomepage: 'true',
  });
  stack.defer(() => host.stop());
  const gone = host.ended.then(code => {
    if (!stopped.aborted) throw new UsageError(`func start ended with code ${code}.`);
  });
  // When func ends, the waiting for it ends with the script.
  const over = new AbortController();
  stack.defer(() => over.abort());
  await Promise.race([untilHealthy(plan.app.url, AbortSignal.any([stopped, over.signal]), startTimeout), gone]);
  stopped.throwIfAborted();
  console.log(`\n${summary(plan)}\n\nCtrl-C stops everything.`);

  await Promise.race([gone, aborted(stopped)]);
  console.log('\nStopping …');
});
