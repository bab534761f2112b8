/** `npm run package`: the very zip that `azd deploy` sends, for those who deploy it by other means. */
import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { build } from '../../build.ts';
import { readFlags, runScript } from '../local/script.ts';
import { zipFolder } from './zip.ts';

const help = `npm run package: builds the app and packs it into .local/package.zip, as azd deploy does.

  npm run package              builds and packs
  npm run package -- --help    shows this

The zip holds host.json, package.json and the bundle; nothing is installed or built where it runs. To deploy it by hand:
  az functionapp deployment source config-zip -g <resource group> -n <site> --src .local/package.zip`;

const root = join(import.meta.dirname, '../..');
const target = join(root, '.local/package.zip');

await runScript(async () => {
  if (readFlags(process.argv.slice(2), ['help']).has('help')) return console.log(help);
  const { outdir } = await build({ outdir: join(root, 'dist') });
  const zip = await zipFolder(outdir);
  await mkdir(dirname(target), { recursive: true });
  await writeFile(target, zip);
  console.log(`${relative(root, target)}: ${(zip.byteLength / 1000).toFixed(0)} KB.`);
});
