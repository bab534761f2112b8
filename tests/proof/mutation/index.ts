/** Takes the checks of the program out of it, one after the other, and sees whether a test notices. */
import { parseArgs } from 'node:util';
import { formatTable } from '../../bench/table.ts';
import { createRandom } from '../rig/random.ts';
import { MUTATIONS } from './mutations.ts';
import { choose, prove } from './prove.ts';

const HELP = `node tests/proof/mutation/index.ts: takes each named check out of a copy of the program, runs the tests that are
mapped to it, and prints which of them noticed. Ends with 1 when nobody noticed one of them.

  --only NAME   those whose name holds this; a number: that one of the list
  --subset N    N of them, picked by the seed
  --seed S      1 unless it says otherwise
  --jobs N      so many at once, each in a copy of its own; 1 unless it says otherwise
  --list        shows the checks and does nothing
  --help        shows this`;

const { values } = parseArgs({
  options: {
    only: { type: 'string' },
    subset: { type: 'string' },
    seed: { type: 'string' },
    jobs: { type: 'string' },
    list: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

const number = (text: string | undefined, name: string) => {
  if (text === undefined) return undefined;
  if (!/^\d{1,9}$/.test(text)) throw new RangeError(`--${name} takes a number, and not "${text}".`);
  return Number(text);
};
const subset = number(values.subset, 'subset');
const seed = number(values.seed, 'seed') ?? 1;
const order = {
  ...(values.only ? { only: values.only } : {}),
  ...(subset ? { subset } : {}),
  random: createRandom(seed),
};

if (values.help) {
  console.log(HELP);
} else if (values.list) {
  for (const { name, rule, file } of choose(order)) {
    console.log(
      `${String(MUTATIONS.findIndex(each => each.name === name) + 1).padStart(3)}  ${name}  [${rule}]  ${file}`,
    );
  }
} else {
  if (subset) console.log(`seed ${seed}`);
  const end = new AbortController();
  for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => end.abort());
  const jobs = number(values.jobs, 'jobs') ?? 1;
  const { rows, table } = await prove({ ...order, jobs, signal: end.signal, say: console.log });
  console.log(`\n${table}\n`);
  console.log(formatTable(new Map([['mutation', { rows: [...rows] }]])));
  if (rows.some(({ reached }) => reached === false)) process.exitCode = 1;
}
