import { readAll } from '../../../src/storage/read-all.ts';
import type { TableName } from '../../../src/storage/tables.ts';
import { claimsOf } from '../../support/flows.ts';
import { purge } from '../../support/purge.ts';
import { livingOf } from '../flows/access.ts';
import { clockOf, moveOn } from '../flows/clocks.ts';
import { beginJourney, type Journey, travel } from '../flows/journey.ts';
import { BEHIND_THE_SCENES, nameWrites, recordWrites, writeOf } from '../flows/storage-writes.ts';
import { grantOf, grantsOf } from '../flows/stored.ts';
import { createLoadClient } from '../rig/load.ts';
import type { Rig } from '../rig/rig.ts';
import { figure, promise, type Scenario } from '../rig/scenario.ts';

/** What the client does whose server is killed. */
const MANNERS = [
  { manner: 'it sends its request again', atOnce: 1 },
  { manner: 'it sends five at once, and again', atOnce: 5 },
  { manner: 'it never comes again', atOnce: 1, isAbandoned: true },
] as const;

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
/** After this nothing that was revoked lives on any instance, in milliseconds. */
const WINDOW_MS = 30_000;
/** How long a write behind the scenes may take to come, in milliseconds. */
const PATIENCE_MS = 10_000;

/**
 * A client's whole life is recorded without faults. Then the instance that makes the n-th write is killed as soon as
 * storage has it and before the instance hears of that; the other instance takes over, and the one that was killed starts again.
 */
export default {
  number: 4,
  title: 'SIGKILL after every single write in turn',
  group: 'Races',
  seconds: { whole: 180, short: 12 },
  async run({ rig: startRig, short, random, progress, signal }) {
    const rig = await startRig();
    const journeys: Journey[] = [];
    const begin = () => {
      const journey = beginJourney(rig, `Client ${journeys.length + 1} of seed ${random.below(2 ** 32)}`);
      journeys.push(journey);
      return journey;
    };
    const withoutFault = async () => {
      const { failure } = await travel(begin());
      if (failure) throw new Error(`Without any fault: ${failure}`);
    };
    // The tables are made by the first.
    await withoutFault();
    const writes = await recordWrites(rig.storage.proxy, withoutFault);
    const targets = [...writes, ...BEHIND_THE_SCENES];
    const every = targets.flatMap(target => MANNERS.map(how => ({ target, ...how })));
    const cases = short ? random.shuffle(every).slice(0, 8) : [...every, ...every];

    const problems: string[] = [];
    const counts = { kills: 0, again: 0, anew: 0, finished: 0, toFinish: 0 };
    for (const [index, { target, manner, atOnce, ...how }] of cases.entries()) {
      if (signal.aborted) break;
      const what = `Killed after ${target}; ${manner}`;
      progress(`${index + 1} of ${cases.length}: ${what}`);
      const isAbandoned = 'isAbandoned' in how;
      const killing = killAfter(rig, target, index);
      const journey = begin();
      const travelled = await travel(journey, { atOnce, mayBeginAgain: true, mayTryAgain: () => !isAbandoned });
      const isKilled = await killing.done();
      counts.kills += isKilled ? 1 : 0;
      counts.again += travelled.again;
      counts.anew += travelled.anew;
      if (!isKilled) console.error(`${what}: that write never came`);
      if (!isAbandoned) {
        counts.toFinish++;
        if (travelled.failure) console.error(`${what}: ${travelled.failure}`);
        else counts.finished++;
      }
      problems.push(...(await faultsOf(rig, journey, travelled)).map(problem => `${what}: ${problem}`));
      await killing.restart();
    }

    await moveOn(rig, WINDOW_MS);
    const http = createLoadClient(50);
    const revoked = journeys.filter(each => each.isOver).flatMap(({ accessTokens }) => accessTokens);
    const living = await livingOf(rig, http, revoked);
    http.close();
    progress('Purging');
    const left = await purgeInTime(rig);

    for (const problem of problems) console.error(problem);
    return {
      rows: [
        figure(
          'writes of registration, sign-in, renewal and revocation',
          `${writes.length}, and ${BEHIND_THE_SCENES.length} behind the scenes`,
        ),
        promise('kills', `${counts.kills} of ${cases.length}`, 'all', counts.kills === cases.length),
        promise(
          'journeys that came to their end',
          `${counts.finished} of ${counts.toFinish}`,
          'all',
          counts.finished === counts.toFinish,
        ),
        figure('requests that clients had to send again', counts.again),
        figure('sign-ins that had to begin anew', counts.anew),
        promise('codes or tokens spent twice, and other faults', problems.length, '0', problems.length === 0),
        promise('access tokens that live 30 s after the revocation', living, '0', living === 0),
        ...left.map(({ what, rows }) => promise(`rows left of ${what}`, rows, '0', rows === 0)),
      ],
    };
  },
} satisfies Scenario;

/** Gives all requests to one of the instances, and kills it once a write of that name is in storage. */
function killAfter(rig: Rig, target: string, index: number) {
  const victim = rig.instances[index % 2] ?? rig.instance;
  const heir = rig.instances[(index + 1) % 2] ?? rig.instance;
  rig.balance([victim]);
  const names = nameWrites();
  const killed = Promise.withResolvers<true>();
  let isKilled = false;
  const stop = rig.storage.proxy.afterwards(async passing => {
    const write = writeOf(passing);
    if (!write || isKilled || names.nameOf(write) !== target) return;
    isKilled = true;
    // First of all: the client comes again as soon as the connection breaks.
    rig.balance([heir]);
    await victim.kill();
    killed.resolve(true);
  });
  return {
    /** Waits for the write; `false` when it does not come. */
    done: async () => {
      const timer = setTimeout(() => killed.resolve(true), PATIENCE_MS);
      await killed.promise;
      clearTimeout(timer);
      stop();
      return isKilled;
    },
    restart: async () => {
      if (!victim.isUp) await victim.start();
    },
  };
}

/** What is wrong in storage after a journey: more than one grant from a sign-in, or one that ended by itself. */
async function faultsOf(rig: Rig, { client, accessTokens }: Journey, { anew }: { anew: number }): Promise<string[]> {
  const [first] = accessTokens;
  if (first === undefined) return [];
  const grants = await grantsOf(rig, String(claimsOf(first).sub), client.client_id);
  const odd = grants.filter(({ endReason }) => endReason !== undefined && endReason !== 'revoked');
  const served = new Set(accessTokens.map(grantOf)).size;
  return [
    ...(grants.length <= 1 + anew ? [] : [`${grants.length} grants in storage`]),
    ...odd.map(({ endReason }) => `a grant that ended by ${endReason}`),
    ...(served === 1 ? [] : [`tokens of ${served} grants`]),
  ];
}

/** Runs the purge as time goes by, and counts what it should have taken by then. */
async function purgeInTime(rig: Rig): Promise<{ what: string; rows: number }[]> {
  const { tables } = rig.storage;
  const now = clockOf(rig);
  const countOf = async (name: TableName, filter = "PartitionKey ge ''") =>
    (await readAll(tables.table(name), filter)).length;
  const left: { what: string; rows: number }[] = [];
  for (const { what, after, names } of [
    { what: 'sign-ins after two hours', after: 2 * HOUR, names: ['signins'] },
    { what: 'sessions and revocations after ten hours', after: 10 * HOUR, names: ['sessions', 'revocations'] },
    { what: 'grants after 31 days', after: 31 * DAY, names: ['grants'] },
    { what: 'the audit after 91 days', after: 91 * DAY, names: ['audit'] },
    { what: 'the list of connections after 367 days', after: 367 * DAY, names: ['connections'] },
  ] as const) {
    await purge(tables, now + after);
    const counts = await Promise.all(names.map(name => countOf(name)));
    left.push({ what, rows: counts.reduce((sum, each) => sum + each, 0) });
  }
  const clients = await readAll<{ usedAt?: number }>(tables.table('clients'), "PartitionKey ge ''");
  left.push({
    what: 'clients that never got a token',
    rows: clients.filter(({ usedAt }) => usedAt === undefined).length,
  });
  return left;
}
