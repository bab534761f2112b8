import type { Row } from '../../bench/table.ts';
import { claimsOf } from '../../support/flows.ts';
import { type Fault, SERVER_BUSY } from '../rig/fault-proxy.ts';
import type { Answer, LoadClient } from '../rig/load.ts';
import type { Random } from '../rig/random.ts';
import type { Rig } from '../rig/rig.ts';
import { figure, promise } from '../rig/scenario.ts';
import { sumCall } from './mcp-call.ts';
import { isOutage, renew, type Session, signInSessions } from './sessions.ts';

const FAULTS: readonly Fault[] = [SERVER_BUSY, { kind: 'reset' }, { kind: 'drop' }, { kind: 'hang' }];
/** How many of storage's answers fail: enough that the client's own retries do not always help. */
const SHARE = 0.6;

/**
 * Revokes while storage fails at random: whatever is answered 200 has to be over, for refresh tokens at once, for access
 * tokens half a minute later at every instance. Who is told 503 comes again afterwards, and then it is over too.
 */
export async function tryRevocations(
  rig: Rig,
  http: LoadClient,
  { random }: { random: Random },
  count: number,
): Promise<Row[]> {
  const sessions = await signInSessions(rig, count);
  const heal = rig.storage.proxy.inject(() => (random.next() < SHARE ? random.pick(FAULTS) : undefined));
  const outcomes: { session: Session; kind: 'refresh_token' | 'access_token'; first: Answer; status: number }[] = [];
  const queue = [...sessions];
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      for (let session = queue.pop(); session; session = queue.pop()) {
        const kind = random.pick(['refresh_token', 'access_token'] as const);
        const first = await revoke(rig, http, session, kind);
        outcomes.push({ session, kind, first, status: first.status });
      }
    }),
  );
  heal();
  for (const outcome of outcomes) {
    if (isOutage(outcome.first)) outcome.status = (await revoke(rig, http, outcome.session, outcome.kind)).status;
  }
  for (const instance of rig.instances) await instance.setClock({ shift: 31_000 });
  let [alive, odd] = [0, 0];
  for (const { session, first, status } of outcomes) {
    if (first.status !== 200 && first.status !== 503) odd++;
    const calls = rig.instances.map(({ url }) => http.send(sumCall(`${url}/mcp`, session.tokens.access_token)));
    const served = (await Promise.all(calls)).some(answer => answer.status !== 401);
    const renewed = await renew(http, rig.origin, session);
    const lives = served || renewed.status !== 400 || !renewed.body.includes('invalid_grant');
    if (!lives) continue;
    alive++;
    const grant = String(claimsOf(session.tokens.access_token).gid);
    console.error(`Answered ${first.status}, then ${status}, and alive: grant ${grant}`);
  }
  for (const instance of rig.instances) await instance.setClock();
  const times = outcomes.map(({ first }) => first.ms);
  const slowest = Math.max(...times) / 1000;
  const done = outcomes.filter(({ first }) => first.status === 200).length;
  return [
    promise('storage fails at random: revocations answered 200 that revoked nothing', alive, '0', alive === 0),
    promise('storage fails at random: answers that are neither 200 nor 503', odd, '0', odd === 0),
    promise('storage fails at random: the slowest', `${slowest.toFixed(1)} s`, '<= 10 s', slowest <= 10),
    figure('storage fails at random: revocations done at once, told to come again', `${done}, ${count - done}`),
  ];
}

function revoke(rig: Rig, http: LoadClient, { client, tokens }: Session, kind: 'refresh_token' | 'access_token') {
  const body = new URLSearchParams({ client_id: client.client_id, token: tokens[kind], token_type_hint: kind });
  return http.send({ url: `${rig.origin}/oauth/revoke`, body });
}
