import fc from 'fast-check';
import type { Sent } from '../../support/broken-requests.ts';
import { endpointNames } from '../flows/every-endpoint.ts';
import { type Batch, SETTINGS, type Target, targetsOf } from '../flows/mutated-requests.ts';
import { type Answer, createLoadClient } from '../rig/load.ts';
import { figure, promise, type Scenario } from '../rig/scenario.ts';

const EACH = 10_000;
/** Requests around the same code, session or sign-in: fewer than they live seconds long. */
const BATCH = 250;
const SLOWEST = 1000;
const CONNECTIONS = 16;
/** Of the requests to an endpoint, so many at the least come as far as an honest one. */
const SHARE = 0.01;

export default {
  number: 20,
  title: `${EACH.toLocaleString('en')} mutated requests at each endpoint, a tenth at documents`,
  group: 'Bad input',
  seconds: { whole: 300, short: 40 },
  async run({ rig: startRig, short, seed, progress, signal }) {
    const rig = await startRig({ settings: SETTINGS });
    const targets = await targetsOf(rig);
    const missing = endpointNames.filter(name => !Object.hasOwn(targets, name));
    const client = createLoadClient(CONNECTIONS);
    const faults: string[] = [];
    const skipped: string[] = [];
    const vacuous: string[] = [];
    let [slowest, done, redeemed, refused] = [0, 0, 0, 0];

    async function send(name: string, target: Target, { skipsPkce }: Batch, sent: Sent): Promise<Answer> {
      const { url } = rig.instances[done++ % rig.instances.length] ?? rig.instance;
      const answer = await client.send(callOf(url, sent));
      slowest = Math.max(slowest, answer.ms);
      const isOutage = answer.status >= 502 && answer.status <= 504 && target.isOutage?.(answer);
      // Node itself sends no answer to what it cannot read as HTTP, which is none of these.
      if (answer.status === 0 || (answer.status >= 500 && !isOutage))
        faults.push(`${answer.status} of ${name} for ${JSON.stringify(sent)}: ${answer.body}`);
      if (skipsPkce?.(sent, answer)) skipped.push(JSON.stringify(sent));
      if (name === 'oauth-token') {
        if (isCodeForm(sent) && answer.status === 200) redeemed++;
        if (answer.body.includes('The code_verifier does not fit')) refused++;
      }
      return answer;
    }

    for (const [name, target] of Object.entries(targets)) {
      const many = Math.ceil((short ? BATCH : EACH) * (target.share ?? 1));
      let through = 0;
      for (let from = 0; from < many && !signal.aborted; from += BATCH) {
        progress(`${name}: ${many - from} to go`);
        const batch = await target.next();
        const numRuns = Math.min(BATCH, many - from);
        const queue = fc.sample(batch.requests, { seed: (seed + from) | 0, numRuns });
        const work = async () => {
          for (let sent = queue.pop(); sent && !signal.aborted; sent = queue.pop()) {
            const answer = await send(name, target, batch, sent);
            if (target.cameThrough?.(answer) ?? true) through++;
          }
        };
        await Promise.all(Array.from({ length: CONNECTIONS }, work));
      }
      if (through < many * SHARE) vacuous.push(`${name}: ${through} of ${many} came through`);
    }
    client.close();
    for (const text of [...missing, ...vacuous, ...faults, ...skipped].slice(0, 10)) console.error(text.slice(0, 2000));
    const slow = `${slowest.toFixed(0)} ms`;
    const asked = `${endpointNames.length - missing.length} of ${endpointNames.length}`;
    const least = short ? 8 : 500;
    return {
      rows: [
        promise('endpoints', asked, 'all', missing.length === 0),
        promise('answers 5xx, or none', `${faults.length} of ${done}`, '0', faults.length === 0),
        promise(
          `endpoints where fewer than ${SHARE * 100} % came as far as an honest request`,
          vacuous.length,
          '0',
          vacuous.length === 0,
        ),
        promise('PKCE skipped', skipped.length, '0', skipped.length === 0),
        promise('codes redeemed with the right verifier', redeemed, `>= ${least}`, redeemed >= least),
        promise('refused because of the verifier', refused, `>= ${least}`, refused >= least),
        short ? figure('slowest', slow) : promise('slowest', slow, `<= ${SLOWEST} ms`, slowest <= SLOWEST),
      ],
    };
  },
} satisfies Scenario;

const isCodeForm = ({ body }: Sent) => String(body).includes('grant_type=authorization_code');

/** Node refuses to send what is no header and no path; what is left is still bad enough. */
function callOf(origin: string, { method = 'GET', path, headers = {}, body }: Sent) {
  const url = `${origin}${encodeURI(path.toWellFormed()).replaceAll('%25', '%')}`;
  const clean = Object.entries(headers).map(([name, value]) => [name, value.replace(/[^\x20-\x7e]/g, '?')]);
  return {
    url,
    method,
    headers: Object.fromEntries(clean) as Record<string, string>,
    ...(body === undefined ? {} : { body }),
  };
}
