import { createHash } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { type Ask, askEach, endpointNames } from '../flows/every-endpoint.ts';
import { isServed, sumCall } from '../flows/mcp-call.ts';
import { tryRevocations } from '../flows/revocations.ts';
import { renew, signInSessions } from '../flows/sessions.ts';
import { type Fault, SERVER_BUSY } from '../rig/fault-proxy.ts';
import type { Instance } from '../rig/instance.ts';
import { type Answer, createLoadClient, createTimes, type LoadClient } from '../rig/load.ts';
import type { Rig } from '../rig/rig.ts';
import { figure, promise, type Scenario } from '../rig/scenario.ts';

const WITHIN = 10_000;
/** How long a list of revocations may serve that cannot be read again, in seconds. */
const STALE = 300;

const MODES: readonly (readonly [string, Fault])[] = [
  ['hangs', { kind: 'hang' }],
  ['answers 503', SERVER_BUSY],
];
const introspector = { client_id: 'gateway', client_secret: 'only-a-test-knows-this-secret-0123456789' };

export default {
  number: 9,
  title: 'Storage hangs, then answers 503 alone',
  group: 'Faults',
  seconds: { whole: 180, short: 50 },
  async run(context) {
    const { short, progress } = context;
    const client_secret_sha256 = createHash('sha256').update(introspector.client_secret).digest('hex');
    const rig = await context.rig({
      settings: {
        PREREGISTERED_CLIENTS: JSON.stringify([
          { client_id: introspector.client_id, client_secret_sha256, introspection: true },
        ]),
      },
    });
    const http = createLoadClient(100);
    const rows = [];
    for (const [name, fault] of MODES) {
      progress(`storage ${name}: every endpoint`);
      const asks = await askEach(rig, introspector);
      const [session] = await signInSessions(rig, 1);
      if (!session) throw new Error('There is no session.');
      // Nothing is in their memory but the list of revocations, so that nothing is answered from there.
      for (const instance of rig.instances) await restart(instance);
      const call = sumCall('', session.tokens.access_token);
      await untilServed(rig, http, call);
      const readAt = performance.now();
      const heal = rig.storage.proxy.inject(() => fault);
      const told = await Promise.all(asks.map(async ask => ({ ...ask, answer: await http.send(ask.call) })));

      progress(`storage ${name}: the list of revocations grows old`);
      const stale = await growOld(rig, http, call, readAt, short ? [290] : [15, 25, 60, 100, 150, 200, 250, 290]);
      const late = await callEach(rig, http, call, readAt, STALE + 10);
      await restart(rig.instance);
      await rig.instance.setClock();
      const cold = await http.send({ ...call, url: `${rig.instance.url}/mcp` });
      heal();
      for (const instance of rig.instances) await instance.setClock();
      const back = await untilServed(rig, http, call);
      const alive = (await renew(http, rig.origin, session)).status;

      const asked = new Set(told.map(({ endpoint }) => endpoint));
      const wrong = told.filter(each => !isRight(each));
      for (const { endpoint, needs, answer } of wrong)
        console.error(`storage ${name}: ${endpoint} (${needs}): ${answer.status} after ${answer.ms.toFixed(0)} ms`);
      const slowest = Math.max(...told.map(({ answer }) => answer.ms));
      const count = (needs: Ask['needs']) => told.filter(each => each.needs === needs).length;
      const served = stale.answers.filter(isServed).length;
      const known = endpointNames.filter(endpoint => asked.has(endpoint)).length;
      rows.push(
        promise(
          `storage ${name}: endpoints asked`,
          `${known} of ${endpointNames.length}`,
          'all',
          known === endpointNames.length,
        ),
        promise(
          `storage ${name}: requests that need it and are not told 503 with Retry-After`,
          `${wrong.length} of ${count('storage')}`,
          '0',
          wrong.length === 0,
        ),
        figure(
          `storage ${name}: requests answered without it`,
          `${count('none')} (documents, health, pages for nobody), ${count('list')} by the list of revocations`,
        ),
        promise(
          `storage ${name}: the slowest of all`,
          `${(slowest / 1000).toFixed(1)} s`,
          '<= 10 s',
          slowest <= WITHIN,
        ),
        promise(
          `storage ${name}: tool calls served until minute 5`,
          `${served} of ${stale.answers.length}`,
          'all',
          served === stale.answers.length,
        ),
        figure(`storage ${name}: p50, p99 of these`, stale.times),
        promise(
          `storage ${name}: after minute 5, and by an instance that starts meanwhile`,
          [...new Set([...late, cold].map(({ status }) => status))].join(', '),
          '503 with Retry-After',
          [...late, cold].every(isToldToComeAgain),
        ),
        promise(`storage ${name}: all served again`, `after ${back.toFixed(1)} s`, '<= 10 s', back <= 10),
        promise(`storage ${name}: a session renewed afterwards`, alive === 200 ? 'yes' : alive, 'yes', alive === 200),
      );
    }
    progress('Revocations while storage fails at random');
    rows.push(...(await tryRevocations(rig, http, context, short ? 8 : 80)));
    http.close();
    return { rows };
  },
} satisfies Scenario;

async function restart(instance: Instance): Promise<void> {
  await instance.stop();
  await instance.start();
}

const isToldToComeAgain = ({ status, headers }: Answer) => status === 503 && Number(headers['retry-after']) > 0;

function isRight({ needs, answer }: Ask & { answer: Answer }): boolean {
  if (needs === 'storage') return isToldToComeAgain(answer);
  return answer.status === 200 || (needs === 'none' && answer.status === 404);
}

type Sum = ReturnType<typeof sumCall>;

/** At each instance ten calls at once, when its list of revocations, read at `readAt`, is that many seconds old. */
async function callEach(rig: Rig, http: LoadClient, call: Sum, readAt: number, seconds: number): Promise<Answer[]> {
  const passed = performance.now() - readAt;
  const answers = rig.instances.map(async instance => {
    await instance.setClock({ shift: seconds * 1000 - passed });
    return Promise.all(Array.from({ length: 10 }, () => http.send({ ...call, url: `${instance.url}/mcp` })));
  });
  return (await Promise.all(answers)).flat();
}

/** Seconds until every instance serves a call again: a reading that hangs has to end first. */
async function untilServed(rig: Rig, http: LoadClient, call: Sum): Promise<number> {
  const started = performance.now();
  for (const { url } of rig.instances) {
    for (let tries = 0; tries < 60; tries++) {
      if (isServed(await http.send({ ...call, url: `${url}/mcp` }))) break;
      await setTimeout(250);
    }
  }
  return (performance.now() - started) / 1000;
}

async function growOld(rig: Rig, http: LoadClient, call: Sum, readAt: number, ages: readonly number[]) {
  const answers: Answer[] = [];
  for (const age of ages) answers.push(...(await callEach(rig, http, call, readAt, age)));
  const times = createTimes();
  for (const { ms } of answers) times.add(ms);
  return { answers, times: [0.5, 0.99].map(share => `${times.quantile(share).toFixed(0)} ms`).join(', ') };
}
