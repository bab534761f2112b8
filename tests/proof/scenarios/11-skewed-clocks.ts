import { claimsOf, connect } from '../../support/flows.ts';
import { isServed, sumCall } from '../flows/mcp-call.ts';
import { renew, signInSessions } from '../flows/sessions.ts';
import type { Instance } from '../rig/instance.ts';
import { createLoadClient } from '../rig/load.ts';
import { figure, promise, type Scenario } from '../rig/scenario.ts';

/** How far clocks may be apart, in seconds. */
const SKEW = 120;
const FAR = 600;
const CALLS_A_TOKEN = 10;

export default {
  number: 11,
  title: 'The clocks of the instances differ',
  group: 'Faults',
  seconds: { whole: 40, short: 12 },
  async run({ rig: startRig, short, progress }) {
    const rig = await startRig();
    const http = createLoadClient(20);
    const [issuer, verifier] = rig.instances as unknown as [Instance, Instance];
    const sessions = await signInSessions(rig, short ? 10 : 50);

    /** The statuses of calls with the newest tokens. */
    const callAt = async ({ url }: Instance, times = CALLS_A_TOKEN) => {
      const calls = sessions.flatMap(({ tokens }) =>
        Array.from({ length: times }, () => http.send(sumCall(`${url}/mcp`, tokens.access_token))),
      );
      // An answer that is none of the tool's is no 200.
      return (await Promise.all(calls)).map(answer => (answer.status === 200 && !isServed(answer) ? 0 : answer.status));
    };
    const renewAt = ({ url }: Instance) => Promise.all(sessions.map(session => renew(http, url, session)));
    /** What the verifier has logged of a token's refusal since the last look, with both times in it. */
    let seen = 0;
    const refusals = (fault: string, ...fields: string[]) => {
      const lines = rig.lines.slice(seen).filter(line => line.includes('access token refused'));
      seen = rig.lines.length;
      return lines.filter(line => [`"fault":"${fault}"`, ...fields].every(text => line.includes(text))).length;
    };
    const count = (statuses: readonly number[], wanted: number) => statuses.filter(each => each === wanted).length;

    progress(`${SKEW} s apart`);
    const apart: number[] = [];
    let renewals = 0;
    for (const [from, to] of [
      [issuer, verifier],
      [verifier, issuer],
    ] as const) {
      await verifier.setClock({ shift: -SKEW * 1000 });
      renewals += (await renewAt(from)).filter(({ status }) => status === 200).length;
      apart.push(...(await callAt(to)));
    }
    const signedIn = await signInsApart(short ? 4 : 20, () => connect(rig));

    progress(`${FAR} s behind`);
    await renewAt(issuer);
    await verifier.setClock({ shift: -FAR * 1000 });
    refusals('');
    const behind = await callAt(verifier, 2);
    const told = refusals('not yet valid', '"issued":"', '"now":"');

    progress(`${FAR} s ahead`);
    await verifier.setClock();
    await renewAt(issuer);
    await verifier.setClock({ shift: FAR * 1000 });
    const ahead = await callAt(verifier, 2);
    const untilExpiry = (pick: (...all: number[]) => number) =>
      pick(...sessions.map(({ tokens }) => claimsOf(tokens.access_token).exp)) * 1000 - Date.now();
    await verifier.setClock({ shift: untilExpiry(Math.min) - 10_000 });
    const before = await callAt(verifier, 1);
    await verifier.setClock({ shift: untilExpiry(Math.max) });
    refusals('');
    const after = await callAt(verifier, 1);
    const toldExpired = refusals('expired', '"expired":"', '"now":"');
    http.close();

    const all = (statuses: readonly number[], wanted: number) =>
      `${count(statuses, wanted)} of ${statuses.length}` as const;
    const row = (what: string, statuses: readonly number[], wanted: number) =>
      promise(what, all(statuses, wanted), 'all', count(statuses, wanted) === statuses.length);
    return {
      rows: [
        row(`${SKEW} s apart: calls served`, apart, 200),
        promise(
          `${SKEW} s apart: renewed`,
          `${renewals} of ${2 * sessions.length}`,
          'all',
          renewals === 2 * sessions.length,
        ),
        figure(
          `${SKEW} s apart: sign-ins that came through (a code lives 60 s)`,
          `${signedIn.done} of ${signedIn.tried}`,
        ),
        row(`a verifier ${FAR} s behind: calls refused`, behind, 401),
        promise('of these with the cause and both times in the log', told, 'all', told === behind.length),
        row(`a verifier ${FAR} s ahead: calls served`, ahead, 200),
        row('by its clock 10 s before their expiry: served', before, 200),
        row('by its clock after their expiry: refused', after, 401),
        promise('of these with the cause and both times in the log', toldExpired, 'all', toldExpired === after.length),
      ],
    };
  },
} satisfies Scenario;

async function signInsApart(count: number, signIn: () => Promise<unknown>) {
  let done = 0;
  for (let tried = 0; tried < count; tried++) {
    await signIn().then(
      () => done++,
      () => {},
    );
  }
  return { done, tried: count };
}
