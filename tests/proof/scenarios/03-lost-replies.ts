import { claimsOf, refreshForm, token } from '../../support/flows.ts';
import { livingOf } from '../flows/access.ts';
import { moveOn } from '../flows/clocks.ts';
import { beginJourney, type Journey, travel } from '../flows/journey.ts';
import { isBehindTheScenes, nameWrites, recordWrites, writeOf } from '../flows/storage-writes.ts';
import { auditOf, auditOnce, grantOf, grantsOf } from '../flows/stored.ts';
import type { Fault } from '../rig/fault-proxy.ts';
import { createLoadClient } from '../rig/load.ts';
import type { Rig } from '../rig/rig.ts';
import { figure, promise, type Scenario } from '../rig/scenario.ts';

const JSON_TYPE = { 'content-type': 'application/json' };
const said = (code: string) => `{"odata.error":{"code":"${code}","message":{"lang":"en-US","value":"It failed."}}}`;
/** Storage did it, and this is what the app hears. */
const LOST: Readonly<Record<string, Fault>> = {
  'the end of the connection': { kind: 'drop' },
  'a reset': { kind: 'drop', reset: true },
  'a 500': { kind: 'answer', done: true, status: 500, headers: JSON_TYPE, body: said('InternalError') },
  'a 503': { kind: 'answer', done: true, status: 503, headers: JSON_TYPE, body: said('ServerBusy') },
};
/** After this nothing that was revoked lives on any instance, in milliseconds. */
const WINDOW_MS = 30_000;

/**
 * A client's whole life is recorded without faults: what it writes. Then each of these writes loses its reply, once, so that
 * the app's own second try finds its own work; then at each of the app's tries, so that the client is told 503 and sends its request again.
 */
export default {
  number: 3,
  title: 'The reply of every single write is lost in turn',
  group: 'Races',
  seconds: { whole: 140, short: 14 },
  async run({ rig: startRig, short, random, progress, signal }) {
    const rig = await startRig();
    const journeys: Journey[] = [];
    const problems: string[] = [];
    const counts = { done: 0, again: 0, met: 0 };
    const begin = () => {
      const journey = beginJourney(rig, `Client ${journeys.length + 1} of seed ${random.below(2 ** 32)}`);
      journeys.push(journey);
      return journey;
    };

    /** One journey in which those writes lose their replies that `isLost` names. */
    async function travelWith(what: string, fault: Fault, isLost: (name: string, tries: number) => boolean) {
      progress(what);
      const names = nameWrites();
      const tries = new Map<string, number>();
      let met = 0;
      const stop = rig.storage.proxy.inject(passing => {
        const write = writeOf(passing);
        if (!write || isBehindTheScenes(write)) return undefined;
        const name = names.nameOf(write);
        tries.set(name, (tries.get(name) ?? 0) + 1);
        if (!isLost(name, tries.get(name) ?? 0)) return undefined;
        met++;
        return fault;
      });
      const heal = () => {
        stop();
        return true;
      };
      const journey = begin();
      const { again, failure } = await travel(journey, { mayTryAgain: heal });
      heal();
      counts.done++;
      counts.again += again;
      if (met > 0) counts.met++;
      else console.error(`${what}: that write never came`);
      if (failure) problems.push(`${what}: ${failure}`);
      else problems.push(...(await faultsOf(rig, journey)).map(problem => `${what}: ${problem}`));
    }

    // The tables are made by the first: all of these replies are lost too.
    await travelWith(
      'every new table',
      LOST['a reset'] as Fault,
      (name, tries) => name.startsWith('new') && tries === 1,
    );
    const writes = await recordWrites(rig.storage.proxy, async () => {
      const { failure } = await travel(begin());
      if (failure) throw new Error(`Without any fault: ${failure}`);
    });
    const cases = Object.entries(LOST).flatMap(([kind, fault]) =>
      writes.flatMap(write => [
        {
          what: `${write}, once ${kind}`,
          fault,
          isLost: (name: string, tries: number) => name === write && tries === 1,
        },
        {
          what: `${write}, until the client hears of it ${kind}`,
          fault,
          isLost: (name: string) => name === write,
        },
      ]),
    );
    const chosen = short ? random.shuffle(cases).slice(0, 12) : cases;
    for (const { what, fault, isLost } of chosen) {
      if (!signal.aborted) await travelWith(what, fault, isLost);
    }
    for (const [kind, fault] of short ? [] : Object.entries(LOST)) {
      if (!signal.aborted) await travelWith(`every write once ${kind}`, fault, (_name, tries) => tries === 1);
    }

    progress('Losing the replies behind the scenes');
    const told = await loseBehindTheScenes(rig, begin());
    await moveOn(rig, WINDOW_MS);
    const http = createLoadClient(50);
    const living = await livingOf(
      rig,
      http,
      journeys.flatMap(({ accessTokens }) => accessTokens),
    );
    http.close();
    const events = await auditOf(rig);
    const ended = events.filter(({ act, reason }) => act === 'grant ended' && reason !== 'revoked');
    const lacks = (act: string) =>
      journeys.filter(({ client }) => !events.some(each => each.act === act && each.client === client.client_id))
        .length;
    const lacking = EVENTS.map(act => [act, lacks(act)] as const).filter(([, count]) => count > 0);
    const noEnd = lacks('grant ended');
    for (const problem of problems) console.error(problem);
    const count = chosen.length + 1 + (short ? 0 : Object.keys(LOST).length);
    return {
      rows: [
        figure('writes of registration, sign-in, renewal and revocation', writes.length),
        promise(
          'whole journeys with lost replies',
          `${counts.done - new Set(problems.map(caseOf)).size} of ${count}`,
          'all',
          problems.length === 0 && counts.done === count,
        ),
        promise('of these, met by the loss', `${counts.met} of ${count}`, 'all', counts.met === count),
        figure('requests that clients had to send again', counts.again),
        promise('families ended, but by their revocation', ended.length, '0', ended.length === 0),
        promise('access tokens that live 30 s after the revocation', living, '0', living === 0),
        promise('ends of grants that the audit lacks', noEnd, '0', noEnd === 0),
        figure(
          'other events that it lacks, of what storage did and never answered for',
          lacking.map(([act, count]) => `${act}: ${count}`).join(', ') || '0',
        ),
        promise('events in the audit, once each, when its replies are lost', told, 'all, once', told === 'all, once'),
      ],
    };
  },
} satisfies Scenario;

const caseOf = (problem: string) => problem.split(': ')[0];

/** What is wrong in storage after a journey: it has one grant, which was revoked and is of no more use. */
async function faultsOf(rig: Rig, { client, accessTokens, refreshTokens }: Journey): Promise<string[]> {
  const [first = ''] = accessTokens;
  const grants = await grantsOf(rig, String(claimsOf(first).sub), client.client_id);
  const renewal = await token(rig, refreshForm(client, refreshTokens.at(-1) ?? ''));
  return [
    ...(grants.length === 1 ? [] : [`${grants.length} grants in storage`]),
    ...grants.flatMap(({ endReason }) => (endReason === 'revoked' ? [] : [`a grant that ended by ${endReason}`])),
    ...(new Set(accessTokens.map(grantOf)).size === 1 ? [] : ['tokens of several grants']),
    ...(renewal.body.error === 'invalid_grant' ? [] : [`a revoked grant renews: ${renewal.status}`]),
  ];
}

const EVENTS = ['client registered', 'consent given', 'signed in', 'connected', 'grant ended'];

/** Loses the first reply of everything that no request waits for; says what the audit then has of a journey. */
async function loseBehindTheScenes(rig: Rig, journey: Journey): Promise<string> {
  const seen = new Set<string>();
  const heal = rig.storage.proxy.inject(passing => {
    const write = writeOf(passing);
    if (!write || !isBehindTheScenes(write) || seen.has(write.identity)) return undefined;
    seen.add(write.identity);
    return { kind: 'drop' };
  });
  const { failure } = await travel(journey);
  if (failure) return failure;
  const isOwn = ({ client }: { client?: string }) => client === journey.client.client_id;
  const events = await auditOnce(rig, all => all.filter(isOwn).length >= EVENTS.length);
  heal();
  const acts = events.filter(isOwn).map(({ act }) => act);
  const isEachOnce = acts.length === EVENTS.length && EVENTS.every(act => acts.includes(act));
  return isEachOnce ? 'all, once' : acts.sort().join(', ');
}
