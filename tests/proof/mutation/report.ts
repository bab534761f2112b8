import type { Row } from '../../bench/table.ts';
import { figure, promise } from '../rig/scenario.ts';
import { MUTATIONS, PARTS } from './mutations.ts';
import type { Outcome } from './run.ts';

/** How long all of it may take on a quiet machine with two cores, in minutes. */
const MOST_MINUTES = 12;

/**
 * What a run has shown: for each part of the program how many checks a test
 * missed when they were gone, and each that none missed by its name.
 *
 * @param seconds how long it took; demanded where all were taken out
 */
export function rowsOf(outcomes: readonly Outcome[], seconds: number): Row[] {
  const parts = Object.entries(PARTS).map(([part, mutations]) => {
    const tried = outcomes.filter(({ mutation }) => mutations.includes(mutation));
    const noticed = tried.filter(({ killedBy }) => killedBy);
    return { part, of: tried.length, noticed: noticed.length };
  });
  const minutes = seconds / 60;
  const isWhole = outcomes.length === MUTATIONS.length;
  const took = `${minutes.toFixed(1)} min`;
  return [
    promise('checks that a script takes out', MUTATIONS.length, 'at least 60', MUTATIONS.length >= 60),
    ...parts
      .filter(({ of }) => of > 0)
      .map(({ part, of, noticed }) =>
        promise(`${part}: gone, and a test fails`, `${noticed} of ${of}`, 'all', noticed === of),
      ),
    ...outcomes
      .filter(({ killedBy }) => !killedBy)
      .map(({ mutation, survived = '' }) => promise(`gone and not noticed: ${mutation.name}`, survived, 'none', false)),
    isWhole ? promise('time', took, `at most ${MOST_MINUTES} min`, minutes <= MOST_MINUTES) : figure('time', took),
  ];
}

/** Every check and the test that noticed, as a Markdown table. */
export function tableOf(outcomes: readonly Outcome[]): string {
  const lines = outcomes.map(({ mutation: { name, rule, file }, killedBy, survived }) => {
    const by = killedBy ? `${killedBy.file}: ${killedBy.name}` : `**nobody**: ${survived}`;
    return `| ${[name, rule, file, by].map(cell).join(' | ')} |`;
  });
  return ['| the check | asked for by | where | noticed by |', '|---|---|---|---|', ...lines].join('\n');
}

const cell = (text: string) => text.replaceAll('|', '\\|').replaceAll(/\s+/g, ' ').trim();

/** One line as it happens. */
export function lineOf({ mutation, killedBy, survived, seconds }: Outcome, done: number, total: number): string {
  const by = killedBy ? `noticed by ${killedBy.file}: ${killedBy.name}` : `NOT NOTICED: ${survived}`;
  return `${String(done).padStart(String(total).length)}/${total}  ${mutation.name}  (${seconds.toFixed(1)} s)  ${by}`;
}
