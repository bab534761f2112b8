import type { Mutation } from './mutation.ts';
import { type FailedTest, runTests } from './test-run.ts';
import { copyProject, type WorkCopy } from './work-copy.ts';

/** What became of one mutation. */
export interface Outcome {
  readonly mutation: Mutation;
  /** The test that noticed. */
  readonly killedBy?: FailedTest;
  /** Where no test did: what happened instead. */
  readonly survived?: string;
  readonly seconds: number;
}

export interface RunOptions {
  /** The project's folder. */
  readonly project: string;
  /** How many at once, each with a copy of its own; 1. */
  readonly jobs?: number;
  /** Ends it all, with an error. */
  readonly signal?: AbortSignal;
  /** Told of each as it ends; `done` counts from 1. */
  readonly onOutcome?: (outcome: Outcome, done: number) => void;
  /** Told what goes on otherwise. */
  readonly say?: (line: string) => void;
}

/**
 * Takes each check out of a copy of the project, runs the tests that are mapped
 * to it, and tells which test noticed. First all of these tests are run on the
 * program as it is.
 *
 * @returns outcomes in the order of the mutations
 * @throws Error when a test fails that should pass: then none of it would say anything
 */
export async function runMutations(
  mutations: readonly Mutation[],
  { project, jobs = 1, signal, onOutcome = () => {}, say = () => {} }: RunOptions,
): Promise<Outcome[]> {
  const copies: WorkCopy[] = [];
  try {
    for (let job = 0; job < Math.min(jobs, mutations.length); job += 1) copies.push(await copyProject(project));
    await checkBaseline(copies[0], mutations, say, signal);
    const outcomes: Outcome[] = [];
    const waiting = mutations.entries();
    let done = 0;
    await Promise.all(
      copies.map(async copy => {
        for (const [index, mutation] of waiting) {
          const outcome = await tryMutation(copy, mutation, signal);
          outcomes[index] = outcome;
          done += 1;
          onOutcome(outcome, done);
        }
      }),
    );
    return outcomes;
  } finally {
    await Promise.all(copies.map(copy => copy.remove()));
  }
}

/** @throws Error when a mapped test fails on the program as it is */
async function checkBaseline(
  copy: WorkCopy | undefined,
  mutations: readonly Mutation[],
  say: (line: string) => void,
  signal: AbortSignal | undefined,
): Promise<void> {
  if (!copy) return;
  const tests = [...new Set(mutations.flatMap(mutation => mutation.tests))];
  say(`With nothing taken out: ${tests.length} test files ...`);
  const { passed, failed, broken } = await runTests(copy.folder, { tests, all: true, signal });
  say(`${passed} tests pass.`);
  if (broken) throw new Error(`With nothing taken out: ${broken}`);
  if (failed.length === 0) return;
  // Many files at once can be too much for a machine that has other things to do.
  const files = [...new Set(failed.map(({ file }) => file))];
  say(`Once more, alone: ${files.join(', ')}`);
  const again = await runTests(copy.folder, { tests: files, all: true, signal });
  const [first] = again.failed;
  if (first) throw new Error(`With nothing taken out, this fails: ${first.file}: ${first.name}: ${first.why}`);
}

async function tryMutation(copy: WorkCopy, mutation: Mutation, signal?: AbortSignal): Promise<Outcome> {
  const startedAt = performance.now();
  const run = await copy.without(mutation, () => runTests(copy.folder, { ...mutation, signal }));
  const seconds = (performance.now() - startedAt) / 1000;
  const killedBy = run.failed.find(({ isUnmet }) => isUnmet);
  if (killedBy) return { mutation, killedBy, seconds };
  const [other] = run.failed;
  const instead = other ? `${other.name}: ${other.why}` : `${run.passed} tests pass`;
  return { mutation, survived: run.broken ?? instead, seconds };
}
