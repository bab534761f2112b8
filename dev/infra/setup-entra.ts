/** `npm run setup:entra`: an app registration in a real tenant for the app on this machine. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { readFlags, runScript, UsageError } from '../local/script.ts';
import { type Az, commandsFor, localSettings, register, typed } from './localhost-registration.ts';

const help = `npm run setup:entra: the az commands that register the app of this machine in your Entra tenant.

  npm run setup:entra                      shows them
  npm run setup:entra -- --apply           runs them, and writes local.settings.json
  npm run setup:entra -- --apply --force   also where there is a local.settings.json already
  npm run setup:entra -- --public          without a client secret, for tenants that forbid them
  npm run setup:entra -- --help            shows this

It takes the Azure CLI, signed in (az login) as somebody who may register applications. SERVER_PORT (7071) is the port
that the app will have.`;

const root = join(import.meta.dirname, '../..');
const file = 'local.settings.json';

const run = promisify(execFile);

/** The Azure CLI of this machine. */
const az: Az = async args => {
  try {
    const { stdout } = await run('az', [...args], { cwd: root, shell: process.platform === 'win32' });
    return stdout.trim();
  } catch (error) {
    const { code, stderr } = error as { code?: unknown; stderr?: string };
    if (code === 'ENOENT') throw new UsageError('az is not on the PATH: install the Azure CLI, then az login.');
    throw new UsageError(`az ${args.slice(0, 3).join(' ')} failed.\n${stderr?.trim() ?? error}`);
  }
};

await runScript(async () => {
  const flags = readFlags(process.argv.slice(2), ['apply', 'force', 'public', 'help']);
  if (flags.has('help')) return console.log(help);

  const port = process.env.SERVER_PORT || '7071';
  if (!/^\d{1,5}$/.test(port)) throw new UsageError('SERVER_PORT is not valid. Expected: a port from 1 to 65535.');
  const redirectUri = `http://localhost:${port}/auth/callback`;
  const options = { redirectUri, publicClient: flags.has('public') };

  if (!flags.has('apply')) {
    for (const command of commandsFor(options)) {
      if (command.gives) console.log(`# gives ${command.gives}`);
      console.log(typed(command));
    }
    console.log('\nnpm run setup:entra -- --apply runs these and writes local.settings.json.');
    return;
  }

  const target = join(root, file);
  if (existsSync(target) && !flags.has('force')) {
    throw new UsageError(`${file} is there already, and nothing was done. --force writes it anew.`);
  }
  const registration = await register(az, options);
  const example = await readFile(join(root, 'local.settings.example.json'), 'utf8');
  // It holds a secret: for its owner alone, whoever could read the one before.
  await rm(target, { force: true });
  await writeFile(target, localSettings(example, registration, redirectUri), { mode: 0o600 });
  console.log(`Registered ${registration.clientId} in the tenant ${registration.tenantId}, and wrote ${file}.`);
  console.log('Start it with npm run build && func start, or with npm start and the same AUTH_ settings.');
});
