/** infra/, compiled offline: the template, and what a deployment of it would make. */
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCompiler } from './compiler.ts';

const infra = join(import.meta.dirname, '../../infra');
const copy = join(import.meta.dirname, '../../.local/infra');

/** Where the snapshots are deployed to: nowhere. */
const target = [
  ...['--subscription-id', '00000000-0000-0000-0000-000000000001'],
  ...['--tenant-id', '00000000-0000-0000-0000-000000000002'],
  ...['--location', 'westeurope', '--deployment-name', 'main'],
];

/** The little that azd needs so that the parameter file compiles. */
const leastEnvironment = { AZURE_ENV_NAME: 'contoso', AZURE_LOCATION: 'westeurope' };

export interface Infra {
  /** A copy of infra/ that compiles without a registry. */
  folder: string;
  compiler: string;
}

/**
 * Copies infra/ and points it at the types of Microsoft Graph that lie in this project: the registry that the committed
 * bicepconfig.json names is out of reach offline.
 * @throws Error when the compiler refuses to pack the types
 */
export async function prepare(compiler: string): Promise<Infra> {
  await rm(copy, { recursive: true, force: true });
  await mkdir(copy, { recursive: true });
  await cp(infra, copy, { recursive: true });
  const index = join(import.meta.dirname, 'types/index.json');
  const { diagnostics } = runCompiler(compiler, [
    ...['publish-extension', index, '--target', join(copy, 'graph.tgz'), '--force'],
  ]);
  if (diagnostics.length > 0) throw new Error(diagnostics.join('\n'));
  const config = JSON.parse(await readFile(join(copy, 'bicepconfig.json'), 'utf8'));
  config.extensions = { microsoftGraphV1: './graph.tgz' };
  await writeFile(join(copy, 'bicepconfig.json'), JSON.stringify(config));
  return { folder: copy, compiler };
}

/**
 * Compiles and lints the template and its parameter file.
 * @returns the template as JSON, and every diagnostic: a warning is as bad as an error
 */
export function build({ folder, compiler }: Infra): { template: string; problems: string[] } {
  const { output, diagnostics } = runCompiler(compiler, ['build', join(folder, 'main.bicep'), '--stdout']);
  const parameters = runCompiler(compiler, ['lint', join(folder, 'main.bicepparam')], leastEnvironment);
  const problems = [...new Set([...diagnostics, ...parameters.diagnostics])];
  return { template: output, problems: problems.map(line => line.replace(`${folder}/`, 'infra/')) };
}

/**
 * The files that are not formatted as the compiler formats them. Those of the copy are from then on.
 * @param mend writes them so
 */
export async function unformatted({ folder, compiler }: Infra, mend: boolean): Promise<string[]> {
  const diagnostics = ['**/*.bicep', '*.bicepparam'].flatMap(
    pattern => runCompiler(compiler, ['format', '--pattern', join(folder, pattern)]).diagnostics,
  );
  if (diagnostics.length > 0) throw new Error(diagnostics.join('\n'));
  const wrong: string[] = [];
  for (const name of await readdir(folder, { recursive: true })) {
    if (!/\.bicep(param)?$/.test(name)) continue;
    const formatted = await readFile(join(folder, name), 'utf8');
    if (formatted === (await readFile(join(infra, name), 'utf8'))) continue;
    wrong.push(`infra/${name}`);
    if (mend) await writeFile(join(infra, name), formatted);
  }
  return wrong;
}

/**
 * What a deployment would make, evaluated offline.
 * @param environment what is set by `azd env set`
 * @param template the compiled template, whose outputs come in order; the compiler shuffles them
 * @returns pretty JSON; of the compiler's problems, if there are any
 */
export async function snapshot(
  { folder, compiler }: Infra,
  environment: Readonly<Record<string, string>>,
  template: string,
): Promise<{ snapshot: string; problems: string[] }> {
  const { diagnostics } = runCompiler(
    compiler,
    ['snapshot', join(folder, 'main.bicepparam'), '--mode', 'overwrite', ...target],
    { ...leastEnvironment, ...environment },
  );
  if (diagnostics.length > 0) return { snapshot: '', problems: diagnostics };
  const written = JSON.parse(await readFile(join(folder, 'main.snapshot.json'), 'utf8'));
  const order = Object.keys(JSON.parse(template).outputs);
  written.outputs = Object.fromEntries(order.map(name => [name, written.outputs[name]]));
  return { snapshot: `${JSON.stringify(written, null, 2)}\n`, problems: [] };
}
