import { setTimeout } from 'node:timers/promises';
import { connect } from '../../support/flows.ts';
import { isServed, sumCall } from '../flows/mcp-call.ts';
import type { Instance } from '../rig/instance.ts';
import { createLoadClient } from '../rig/load.ts';
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
    // Who starts first would have a key before the last one is there: none gets an answer until all are.
    let [waiting, attempts] = [0, 0];
    const { promise: started, resolve: letGo } = Promise.withResolvers<void>();
    rig.storage.proxy.inject(async ({ method, path }) => {
      waiting++;
      await started;
      if (method !== 'POST' || !/\/keys\b/.test(path)) return undefined;
      attempts++;
      // Nobody stores a key before somebody else is about to.
      for (let tries = 0; attempts < 2 && tries < 100; tries++) await setTimeout(20);
      return undefined;
    });
    progress(`Starting ${count} processes`);
    const others = await Promise.all(Array.from({ length: count - 1 }, () => rig.addInstance({}, true)));
    const instances = [...rig.instances, ...others];
    const asked = instances.map(keyIdOf);
    for (let tries = 0; waiting < count && tries < 200; tries++) await setTimeout(20);
    letGo();
    const kids = await Promise.all(asked);

    const http = createLoadClient(count);
    // A token that each instance has signed, at each instance.
    let verified = 0;
    for (const [n, issuer] of instances.entries()) {
      progress(`Tokens of process ${n + 1} of ${count}`);
      rig.balance([issuer]);
      const { tokens } = await connect(rig);
      const answers = await Promise.all(
        instances.map(({ url }) => http.send(sumCall(`${url}/mcp`, tokens.access_token))),
      );
      verified += answers.filter(isServed).length;
    }
    http.close();
    return {
      rows: [
        promise('keys that they tried to store', attempts, '2 at least', attempts > 1),
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
