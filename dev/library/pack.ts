/** `npm run pack`: the library, as a tarball that `npm install` takes. */
import { execFile } from 'node:child_process';
import { join, relative } from 'node:path';
import { promisify } from 'node:util';
import { readFlags, runScript } from '../local/script.ts';
import { makePackageFolder } from './package-folder.ts';

const help = `npm run pack: compiles the library and packs it into .local/, for npm install in another project.

  npm run pack              compiles and packs
  npm run pack -- --help    shows this

The folder that is packed is .local/library. Its package.json has the homepage, repository and bugs that the one here has:
name them before npm publish. What is deployed to Azure is another matter: npm run package.`;

const root = join(import.meta.dirname, '../..');

await runScript(async () => {
  if (readFlags(process.argv.slice(2), ['help']).has('help')) return console.log(help);
  const folder = join(root, '.local/library');
  console.log('Compiling …');
  await makePackageFolder(folder);
  console.log('Packing …');
  const pack = ['pack', folder, '--json', '--pack-destination', join(root, '.local')];
  const { stdout } = await promisify(execFile)('npm', pack, { shell: process.platform === 'win32' });
  const [packed] = JSON.parse(stdout) as { filename: string; size: number; files: unknown[] }[];
  if (packed === undefined) throw new Error('npm packed nothing.');
  const tarball = relative(process.cwd(), join(root, '.local', packed.filename));
  console.log(`${tarball}: ${packed.files.length} files, ${(packed.size / 1000).toFixed(0)} KB.`);
  console.log(`npm install ${tarball} takes it.`);
});
