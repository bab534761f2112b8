/** `npm run bench`: what the app costs, measured, beside what it may cost. */
import { readFlags } from '../../dev/local/script.ts';
import { formatTable, type Result } from './table.ts';

interface Benchmark {
  about: string;
  load(): Promise<{ run(): Promise<Result> }>;
}

const BENCHMARKS: Record<string, Benchmark> = {
  size: { about: 'the size of the bundle, and what its chunks hold', load: () => import('./size.ts') },
  start: {
    about: 'from the start of the process to the first answer, beside node_modules',
    load: () => import('./start.ts'),
  },
  'mcp-guard': {
    about: 'CPU time of an authorized tool call, beside the MCP library alone',
    load: () => import('./mcp-guard.ts'),
  },
  gateway: {
    about: 'CPU time of a call through the gateway, beside a bare pass-through',
    load: () => import('./gateway.ts'),
  },
  'storage-trips': { about: 'requests to storage, step by step', load: () => import('./storage-trips.ts') },
  'versus-oidc-provider': {
    about: 'the authorization server beside oidc-provider: trips to storage, loading',
    load: () => import('./versus-oidc-provider.ts'),
  },
};

const help = `npm run bench: measures, prints one table, and ends with 1 when a target is missed.

  npm run bench              all of these, in about three minutes
  npm run bench -- NAME      one or several of them
  npm run bench -- --help    shows this

${Object.entries(BENCHMARKS)
  .map(([name, { about }]) => `  ${name.padEnd(22)} ${about}`)
  .join('\n')}

Times and ratios are medians of runs in turn. Leave the machine alone meanwhile.`;

async function main(): Promise<number> {
  const given = readFlags(process.argv.slice(2), ['help'], Object.keys(BENCHMARKS));
  if (given.has('help')) {
    console.log(help);
    return 0;
  }
  const chosen = given.size > 0 ? given : Object.keys(BENCHMARKS);

  const results = new Map<string, Result>();
  for (const name of chosen) {
    console.error(`${name} …`);
    const module = await BENCHMARKS[name]?.load();
    if (module) results.set(name, await module.run());
  }
  console.log(formatTable(results));
  for (const { notes = [] } of results.values()) for (const note of notes) console.log(`\n${note}`);

  const missed = [...results.values()].flatMap(({ rows }) => rows).filter(({ reached }) => reached === false);
  for (const { what, target } of missed) console.error(`Missed: ${what} (${target}).`);
  return missed.length > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
