/** `npm run services`: what the app needs around it, without the app, for `func start` or a debugger. */
import { dataFolder, planFor } from './local/plan.ts';
import { checkPorts } from './local/ports.ts';
import { readFlags, runScript, UsageError } from './local/script.ts';
import { startServices } from './local/services.ts';
import { aborted } from './local/signals.ts';
import { heading, servicesTable, table, warning } from './local/summary.ts';

const help = `npm run services: the storage emulator and the stand-in for Entra ID, without the app.

  npm run services             runs until Ctrl-C, and says what to put into local.settings.json
  npm run services -- --help   shows this

Settings (environment variables)
  ENTRA_PORT           the stand-in's port (7073)
  AZURITE_TABLE_PORT   the table emulator's port (10002)
  AZURITE_BLOB_PORT    the blob emulator's port (10000)
  SERVER_PORT          the port that the app will have (7071): the stand-in sends people back there`;

await runScript(async (stack, stopped) => {
  if (readFlags(process.argv.slice(2), ['help']).has('help')) return console.log(help);

  // No secret: what is printed below stays right from one run to the next.
  const plan = planFor(process.env, { location: dataFolder, blob: true });
  for (const text of plan.warnings) console.warn(warning(text));
  if (!plan.entra && !plan.azurite) {
    throw new UsageError('AUTH_TENANT_ID and AzureWebJobsStorage are set: there is nothing to start.');
  }
  await checkPorts(plan.ports.filter(({ setting }) => setting !== 'SERVER_PORT'));
  await startServices(plan, stack);
  stopped.throwIfAborted();

  const names = [
    ...(plan.entra ? ['AUTH_TENANT_ID', 'AUTH_CLIENT_ID', 'AUTH_AUTHORITY_HOST'] : []),
    ...(plan.azurite ? ['AzureWebJobsStorage'] : []),
  ];
  const values = Object.fromEntries(names.map(name => [name, plan.env[name]]));
  const lines = JSON.stringify(values, null, 2).split('\n').slice(1, -1);
  console.log(heading('What runs where'));
  console.log(table(servicesTable(plan)));
  console.log(`\n${heading('For "Values" in local.settings.json')}\n${lines.join('\n')}\n\nCtrl-C stops everything.`);

  await aborted(stopped);
  console.log('\nStopping …');
});
