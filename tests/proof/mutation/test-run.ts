import { spawn } from 'node:child_process';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';

/** What became of a run of tests. */
export interface TestRun {
  readonly passed: number;
  readonly failed: readonly FailedTest[];
  /** Why the run says nothing: a file that does not load, a hook that broke, no end in time. */
  readonly broken?: string;
}

export interface FailedTest {
  readonly name: string;
  /** From the folder in which the tests ran. */
  readonly file: string;
  /** The first line of what it said. */
  readonly why: string;
  /** Whether something was not as it expects: else the test itself broke, or took too long. */
  readonly isUnmet: boolean;
}

export interface TestSelection {
  readonly tests: readonly string[];
  /** Only tests whose full name fits this pattern. */
  readonly only?: string | undefined;
  /** Whether to go on after the first failure. */
  readonly all?: boolean;
  readonly signal?: AbortSignal | undefined;
}

/** Longer than the longest file takes on a slow machine, in milliseconds. */
const TIME_LIMIT_MS = 180_000;

/**
 * Runs tests in a folder by a vitest of its own.
 * @throws when the signal ends it
 */
export async function runTests(folder: string, { tests, only, all = false, signal }: TestSelection): Promise<TestRun> {
  const report = join(folder, 'report.json');
  const args = [
    'run',
    ...tests,
    ...(only ? ['-t', only] : []),
    ...(all ? [] : ['--bail=1']),
    '--reporter=json',
    `--outputFile=${report}`,
  ];
  const { output, isLate } = await finished(folder, args, signal);
  if (isLate) return { passed: 0, failed: [], broken: `no end within ${TIME_LIMIT_MS / 1000} seconds` };
  const text = await readFile(report, 'utf8').catch(() => undefined);
  await rm(report, { force: true });
  if (text === undefined) return { passed: 0, failed: [], broken: lastLines(output) };
  return read(JSON.parse(text) as Report, folder);
}

/** Of vitest's JSON report, what is read here. */
interface Report {
  readonly testResults: readonly {
    readonly name: string;
    readonly status: string;
    readonly message: string;
    readonly assertionResults: readonly {
      readonly fullName: string;
      readonly status: string;
      readonly failureMessages: readonly string[];
    }[];
  }[];
}

function read({ testResults }: Report, folder: string): TestRun {
  const results = testResults.flatMap(({ name, assertionResults }) =>
    assertionResults.map(result => ({ ...result, file: name.slice(name.indexOf(folder) + folder.length + 1) })),
  );
  const failed = results
    .filter(({ status }) => status === 'failed')
    .map(({ fullName, file, failureMessages: [message = ''] }) => {
      const why = firstLine(message);
      return { name: fullName, file, why, isUnmet: UNMET.test(why) };
    });
  const suite = testResults.find(({ status, message }) => status === 'failed' && message);
  return {
    passed: results.filter(({ status }) => status === 'passed').length,
    failed,
    ...(suite ? { broken: `${suite.name}: ${firstLine(suite.message)}` } : {}),
  };
}

/** How vitest begins what an expectation says, of a promise too. */
const UNMET = /^(AssertionError|Error: promise (resolved|rejected))\b/;

const firstLine = (text: string) => stripVTControlCharacters(text).split('\n', 1)[0] ?? '';
const lastLines = (text: string) => stripVTControlCharacters(text).trim().split('\n').slice(-5).join('\n');

async function finished(
  folder: string,
  args: readonly string[],
  signal: AbortSignal | undefined,
): Promise<{ output: string; isLate: boolean }> {
  const vitest = join(folder, 'node_modules', 'vitest', 'vitest.mjs');
  const child = spawn(process.execPath, [vitest, ...args], { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'], signal });
  let output = '';
  let isLate = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output = (output + chunk).slice(-10_000);
    });
  }
  const timer = setTimeout(() => {
    isLate = true;
    child.kill('SIGKILL');
  }, TIME_LIMIT_MS);
  await new Promise((resolve, reject) => child.on('close', resolve).on('error', reject));
  clearTimeout(timer);
  return { output, isLate };
}
