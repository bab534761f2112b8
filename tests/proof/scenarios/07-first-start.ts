import { claimsOf, connect } from '../../support/flows.ts';
import type { Instance } from '../rig/instance.ts';
import type { Rig } from '../rig/rig.ts';
import { promise, type Scenario } from '../rig/scenario.ts';

/** Instances that find no key in storage each make one; only one may stay. */
export default {
  number: 7,
  title: 'Twenty processes start on empty storage',
  group: 'Races',
  seconds: { whole: 60, short: 25 },
  async run({ rig: startRig, short, progress }) {
    const count = short ? 6 : 20;
    const rig = await startRig({ instances: 1, settings: { JWT_SECRET_KEY: '' } });
    // The first has asked storage for nothing yet, so all of them begin with empty tables.
    progress(`Starting ${count} processes`);
    const others = await Promise.all(Array.from({ length: count - 1 }, () => rig.addInstance({}, true)));
    const instances = [...rig.instances, ...others];
    const kids = await Promise.all(instances.map(keyIdOf));

    // A token that each instance has signed, at each instance.
    let verified = 0;
    for (const [n, issuer] of instances.entries()) {
      progress(`Tokens of process ${n + 1} of ${count}`);
      rig.balance([issuer]);
      const { tokens } = await connect(rig);
      const statuses = await Promise.all(instances.map(each => call(rig, each, tokens.access_token)));
      verified += statuses.filter(status => status === 200).length;
      rig.leaks.add(String(claimsOf(tokens.access_token).jti));
    }
    return {
      rows: [
        promise('keys', new Set(kids).size, '1', new Set(kids).size === 1),
        promise('tokens accepted', `${verified} of ${count ** 2}`, 'all', verified === count ** 2),
      ],
    };
  },
} satisfies Scenario;

async function keyIdOf({ url }: Instance): Promise<string> {
  const { keys } = (await (await fetch(`${url}/.well-known/jwks.json`)).json()) as { keys: { kid: string }[] };
  return keys.map(({ kid }) => kid).join();
}

async function call(rig: Rig, { url }: Instance, accessToken: string): Promise<number> {
  const response = await fetch(`${url}${new URL(rig.mcpUrl).pathname}`, {
    method: 'POST',
    headers: {
      authorization: `Bearer ${accessToken}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'calculate_sum', arguments: { numbers: [1] } },
    }),
  });
  await response.text();
  return response.status;
}
