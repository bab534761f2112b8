import { readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { parse } from 'yaml';
import type { Results } from './suite.ts';

const PACKAGE = dirname(createRequire(import.meta.url).resolve('@modelcontextprotocol/conformance/package.json'));

/** The revisions that have a list of what they require, and how much of it a server without sessions can do. */
export const REVISIONS = { '2026-07-28': [37, 37], '2025-11-25': [26, 30] } as const;
export type Revision = keyof typeof REVISIONS;

/** The checks of each required scenario by their ids, with their statuses: what ran as well as what came of it. */
export type Outcome = Readonly<Record<string, Readonly<Record<string, string>>>>;

export interface Verdict {
  readonly passed: readonly string[];
  readonly failed: readonly string[];
  readonly outcome: Outcome;
  /** What the failed checks said. */
  readonly messages: readonly string[];
}

/** Judges what a revision requires, by the list that the suite's package has. A scenario passes when none of its checks fails. */
export async function judge(revision: Revision, results: Results): Promise<Verdict> {
  const requirements = await readFile(join(PACKAGE, 'requirements', `${revision}.yaml`), 'utf8');
  const { server: required } = parse(requirements) as { server: string[] };
  const failures = required.flatMap(scenario => {
    const ran = results[scenario] ?? [];
    const checks = ran.length > 0 ? ran : [{ id: 'did not run', status: 'FAILURE' }];
    return checks.filter(({ status }) => status === 'FAILURE').map(check => ({ scenario, ...check }));
  });
  const failed = new Set(failures.map(({ scenario }) => scenario));
  return {
    passed: required.filter(scenario => !failed.has(scenario)),
    failed: [...failed],
    outcome: Object.fromEntries(required.toSorted().map(scenario => [scenario, statusesOf(results[scenario] ?? [])])),
    messages: failures.map(({ scenario, id, errorMessage }) => `${scenario}: ${id}: ${errorMessage ?? ''}`),
  };
}

/** What is expected of a revision, which is committed: a suite that checks nothing passes nothing. */
export async function expected(revision: Revision): Promise<Outcome> {
  return JSON.parse(await readFile(fileOf(revision), 'utf8')) as Outcome;
}

export async function saveExpected(revision: Revision, outcome: Outcome): Promise<void> {
  await writeFile(fileOf(revision), `${JSON.stringify(outcome, undefined, 2)}\n`);
}

/** The scenarios of which it is known that they fail, each with the reason. */
export async function known(): Promise<Readonly<Record<string, string>>> {
  return JSON.parse(await readFile(join(import.meta.dirname, 'needs-sessions.json'), 'utf8'));
}

function fileOf(revision: Revision): string {
  return join(import.meta.dirname, 'expected', `${revision}.json`);
}

/** The worst status of each id: an id may come more than once. */
function statusesOf(checks: Results[string]): Record<string, string> {
  const order = ['INFO', 'SKIPPED', 'SUCCESS', 'WARNING', 'FAILURE'];
  const found = new Map<string, string>();
  for (const { id, status } of checks) {
    const before = found.get(id);
    if (before === undefined || order.indexOf(status) > order.indexOf(before)) found.set(id, status);
  }
  return Object.fromEntries([...found].toSorted(([a], [b]) => a.localeCompare(b)));
}
