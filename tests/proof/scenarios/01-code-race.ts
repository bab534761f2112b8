import { Browser } from '../../../dev/browser/index.ts';
import {
  approveAndSignIn,
  authorizationUrl,
  backAtClient,
  type Client,
  claimsOf,
  codeForm,
  connect,
  refreshForm,
  register,
  type Target,
  type Tokens,
  token,
} from '../../support/flows.ts';
import { moveOn } from '../flows/clocks.ts';
import { grantOf, grantsOf } from '../flows/stored.ts';
import { promise, type Scenario } from '../rig/scenario.ts';

const AT_ONCE = 100;
/** Of each kind of wrong request, sent among the right ones. */
const WRONG_OF_EACH = 10;
const STRANGERS = 6;
/** After this a code that comes again is a replay, in milliseconds. */
const WINDOW_MS = 30_000;

/** Each round one code is won by 100 requests at once, between others that have no right to it. */
export default {
  number: 1,
  title: `One code, ${AT_ONCE} redemptions at once`,
  group: 'Races',
  seconds: { whole: 60, short: 12 },
  async run({ rig: startRig, short, random, progress, signal }) {
    const rounds = short ? 5 : 50;
    const rig = await startRig();
    const client = await register(rig);
    const wrong = await wrongRequests(rig);
    const strangers = await browsersOfOthers(rig, client);

    const counts = { answered: 0, wrongServed: 0, wrongSent: 0, codesOfStrangers: 0, renewed: 0, ended: 0 };
    const [grants, successors]: [number[], number[]] = [[], []];
    let round = 0;
    for (; round < rounds && !signal.aborted; round++) {
      progress(`Round ${round + 1} of ${rounds}`);
      const browser = new Browser();
      const { url, verifier } = authorizationUrl(rig, client);
      const isCallback = (at: string) => at.startsWith(`${rig.origin}/auth/callback`);
      const callback = await approveAndSignIn(browser, url, 'ada', isCallback);

      const [honest = '', ...others] = await inAnyOrder(
        [browser, ...strangers].map(each => async () => (await each.open(callback, { stopAt: backAtClient })).url),
        random.shuffle,
      );
      counts.codesOfStrangers += others.filter(at => new URL(at).searchParams.has('code') && backAtClient(at)).length;
      const form = codeForm(client, { code: new URL(honest).searchParams.get('code') ?? '', verifier });

      const wrongForms = Object.values(wrong).flatMap(change => Array(WRONG_OF_EACH).fill({ ...form, ...change }));
      const answers = await inAnyOrder(
        [...Array<typeof form>(AT_ONCE).fill(form), ...wrongForms].map(each => () => token(rig, each)),
        random.shuffle,
      );
      const right = answers.slice(0, AT_ONCE).filter(({ status }) => status === 200);
      counts.answered += right.length;
      counts.wrongSent += wrongForms.length;
      counts.wrongServed += answers.slice(AT_ONCE).filter(({ body }) => body.access_token !== undefined).length;
      successors.push(new Set(right.map(({ body }) => body.refresh_token)).size);
      grants.push(new Set(right.map(({ body }) => grantOf(body.access_token))).size);

      if (right.length === 0) continue;
      const tokens = random.pick(right).body;
      counts.renewed += (await token(rig, refreshForm(client, tokens.refresh_token))).status === 200 ? 1 : 0;
      await moveOn(rig, WINDOW_MS);
      counts.ended += (await hasEndedBy(rig, client, form, tokens)) ? 1 : 0;
    }
    const { tokens } = await connect(rig, 'ada', {}, client);
    const stored = await grantsOf(rig, String(claimsOf(tokens.access_token).sub), client.client_id);

    const [mostGrants, mostSuccessors] = [Math.max(...grants), Math.max(...successors)];
    const isWhole = round === rounds;
    return {
      rows: [
        promise(
          'redemptions answered',
          `${counts.answered} of ${round * AT_ONCE}`,
          'all',
          counts.answered === round * AT_ONCE && isWhole,
        ),
        promise('grants of one code, in its answers', mostGrants, '1', mostGrants === 1),
        promise('refresh tokens of one code', mostSuccessors, '1', mostSuccessors === 1),
        promise(
          `grants in storage after ${round + 1} sign-ins`,
          stored.length,
          `${round + 1}`,
          stored.length === round + 1,
        ),
        promise(
          `tokens for ${Object.keys(wrong).join(', ')}`,
          `${counts.wrongServed} of ${counts.wrongSent}`,
          '0',
          counts.wrongServed === 0,
        ),
        promise(
          'codes for another browser at the callback',
          `${counts.codesOfStrangers} of ${round * strangers.length}`,
          '0',
          counts.codesOfStrangers === 0,
        ),
        promise(
          'renewals of the honest client after it',
          `${counts.renewed} of ${round}`,
          'all',
          counts.renewed === round,
        ),
        promise(
          'codes that come again after 30 s: refused, the grant ended',
          `${counts.ended} of ${round}`,
          'all',
          counts.ended === round,
        ),
      ],
    };
  },
} satisfies Scenario;

/** Does all at once, begun in any order; gives what came of each in the order of `work`. */
async function inAnyOrder<T>(
  work: readonly (() => Promise<T>)[],
  shuffle: <E>(all: readonly E[]) => E[],
): Promise<T[]> {
  const results = new Map<number, Promise<T>>();
  for (const [index, each] of shuffle([...work.entries()])) results.set(index, each());
  return Promise.all([...work.keys()].map(index => results.get(index) as Promise<T>));
}

/** What must not redeem a code that another client asked for with another verifier. */
async function wrongRequests(rig: Target) {
  const other = await register(rig, { client_name: 'Another client' });
  const confidential = await register(rig, { token_endpoint_auth_method: 'client_secret_post' });
  return {
    'another client': { client_id: other.client_id },
    'a confidential one': { ...confidential, client_id: confidential.client_id },
    'another verifier': { code_verifier: authorizationUrl(rig, other).verifier },
    'no verifier': { code_verifier: undefined },
    'another redirect URI': { redirect_uri: 'http://localhost:33419/other' },
  };
}

/** Browsers that did not begin the sign-in: with no cookie, with a flow of their own, and with a whole one behind them. */
async function browsersOfOthers(rig: Target, client: Client): Promise<Browser[]> {
  const browsers = Array.from({ length: STRANGERS }, () => new Browser());
  for (const [index, browser] of browsers.entries()) {
    if (index % 3 === 1) await browser.open(authorizationUrl(rig, client).url);
    if (index % 3 === 2) await approveAndSignIn(browser, authorizationUrl(rig, client).url, 'grace');
  }
  return browsers;
}

/** Whether a code that comes again is refused, and nothing that came of it lives on. */
async function hasEndedBy(
  rig: Target,
  client: Client,
  form: ReturnType<typeof codeForm>,
  { refresh_token }: Tokens,
): Promise<boolean> {
  const again = await token(rig, form);
  const renewal = await token(rig, refreshForm(client, refresh_token));
  return [again, renewal].every(({ status, body }) => status === 400 && body.error === 'invalid_grant');
}
