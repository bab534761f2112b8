import { join } from 'node:path';
import type { Row } from '../../bench/table.ts';
import { createRandom, type Random } from '../rig/random.ts';
import type { Mutation } from './mutation.ts';
import { MUTATIONS } from './mutations.ts';
import { lineOf, rowsOf, tableOf } from './report.ts';
import { runMutations } from './run.ts';

const PROJECT = join(import.meta.dirname, '../../..');

/** Which checks are taken out; all unless it says otherwise. */
export interface Order {
  /** Only those whose name holds this, in any case, or the one of this number. */
  readonly only?: string;
  /** Only so many of them, by chance. */
  readonly subset?: number;
  readonly random?: Random;
}

export interface ProveOptions extends Order {
  readonly jobs?: number;
  readonly signal?: AbortSignal;
  readonly say?: (line: string) => void;
}

export interface Proof {
  readonly rows: readonly Row[];
  /** Every check and the test that noticed, in Markdown. */
  readonly table: string;
}

/**
 * The checks that an order names.
 * @throws RangeError where it names none
 */
export function choose({ only, subset, random = createRandom(1) }: Order): readonly Mutation[] {
  const word = only?.toLowerCase();
  const named = MUTATIONS.filter(
    ({ name }, index) => word === undefined || word === String(index + 1) || name.toLowerCase().includes(word),
  );
  if (named.length === 0) throw new RangeError(`No check is named "${only}".`);
  return subset === undefined ? named : random.shuffle(named).slice(0, subset);
}

/** Takes checks out of a copy of the program, one after the other, and tells which test noticed. */
export async function prove({ say = () => {}, jobs = 1, signal, ...order }: ProveOptions): Promise<Proof> {
  const startedAt = performance.now();
  const chosen = choose(order);
  const outcomes = await runMutations(chosen, {
    project: PROJECT,
    jobs,
    ...(signal ? { signal } : {}),
    say,
    onOutcome: (outcome, done) => say(lineOf(outcome, done, chosen.length)),
  });
  return { rows: rowsOf(outcomes, (performance.now() - startedAt) / 1000), table: tableOf(outcomes) };
}
