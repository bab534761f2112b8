import { Browser } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import {
  type AuthorizationUrl,
  authorizationUrl,
  backAtClient,
  type Client,
  codeForm,
  connect,
  register,
  token,
} from '../../support/flows.ts';
import { changeIdTokens, ENTRA_FAULTS, type EntraFault, isKeysRequest, withUnknownKey } from '../flows/entra-faults.ts';
import { sumCall } from '../flows/mcp-call.ts';
import { renew, type Session, signInSessions } from '../flows/sessions.ts';
import type { Instance } from '../rig/instance.ts';
import { type Answer, createLoadClient, type LoadClient } from '../rig/load.ts';
import type { Rig } from '../rig/rig.ts';
import { figure, promise, type Scenario } from '../rig/scenario.ts';

export default {
  number: 10,
  title: 'Entra ID fails, at the callback and at renewals',
  group: 'Faults',
  seconds: { whole: 150, short: 35 },
  async run({ rig: startRig, short, random, progress }) {
    // One that renews without Entra for an hour, as it is unless somebody sets it, and one that never does.
    const rig = await startRig({ instances: 1 });
    const patient = rig.instance;
    const strict = await rig.addInstance({ AUTH_OFFLINE_GRACE_SECONDS: '0' });
    const http = createLoadClient(50);
    const client = await register(rig);
    const each = short ? 2 : 10;
    const faults = short ? random.shuffle(ENTRA_FAULTS).slice(0, 5) : ENTRA_FAULTS;
    const count = { renewals: 0, told: 0, renewed: 0, ended: 0, callbacks: 0, toldAtCallback: 0, signedIn: 0 };
    for (const [index, fault] of faults.entries()) {
      progress(`${index + 1} of ${faults.length}: ${fault.name}`);
      const [own, others] = [await signInSessions(rig, each), await signInSessions(rig, each)];
      const callbacks = await Promise.all(Array.from({ length: short ? 1 : 3 }, () => comeBack(rig, client)));
      if (fault.atStart) await Promise.all(rig.instances.map(restart));
      const end = await fault.begin(rig);
      const [served, refused, atCallback] = await Promise.all([
        renewAll(http, patient, own),
        renewAll(http, strict, others),
        Promise.all(callbacks.map(callback => tellsOf(callback, fault))),
      ]);
      await end();
      const again = [...(await renewAll(http, patient, own)), ...(await renewAll(http, strict, others))];
      const late = await Promise.all(callbacks.map(callback => signsIn(rig, client, callback)));

      const told = [...served.map(({ status }) => status === 200), ...refused.map(isToldToComeAgain)];
      count.renewals += told.length;
      count.told += told.filter(Boolean).length;
      count.renewed += again.filter(({ status }) => status === 200).length;
      count.ended += [...served, ...refused, ...again].filter(isEnd).length;
      count.callbacks += callbacks.length;
      count.toldAtCallback += atCallback.filter(Boolean).length;
      count.signedIn += late.filter(Boolean).length;
      if (told.includes(false) || atCallback.includes(false) || late.includes(false)) {
        const statuses = [served, refused, again].map(all => [...new Set(all.map(({ status }) => status))].join('/'));
        console.error(`Entra gives ${fault.name}: renewals ${statuses}, callbacks ${atCallback}, then ${late}`);
      }
    }

    progress('Somebody is disabled');
    const disabled = await disable(rig, http, [patient, strict]);
    progress('Tokens of unknown keys');
    const unknown = await unknownKeys(rig, http, patient, short ? 120 : 1_000);
    http.close();
    const { renewals, callbacks } = count;
    return {
      rows: [
        figure('ways of failing', faults.map(({ name }) => name).join(', ')),
        promise('grants ended by it', `${count.ended} of ${renewals}`, '0', count.ended === 0),
        promise(
          'renewals meanwhile: done without Entra ID, or told 503 with Retry-After where that may not be',
          `${count.told} of ${renewals}`,
          'all',
          count.told === renewals,
        ),
        promise('the same renewals afterwards', `${count.renewed} of ${renewals}`, 'all', count.renewed === renewals),
        promise(
          'callbacks: told 503 with Retry-After, or the client that this server failed',
          `${count.toldAtCallback} of ${callbacks}`,
          'all',
          count.toldAtCallback === callbacks,
        ),
        promise('signed in afterwards', `${count.signedIn} of ${callbacks}`, 'all', count.signedIn === callbacks),
        ...disabled,
        ...unknown,
      ],
    };
  },
} satisfies Scenario;

async function restart(instance: Instance): Promise<void> {
  await instance.stop();
  await instance.start();
}

const isToldToComeAgain = ({ status, headers }: Answer) => status === 503 && Number(headers['retry-after']) > 0;
const isEnd = ({ status, body }: Answer) => status === 400 && body.includes('invalid_grant');

const renewAll = (http: LoadClient, { url }: Instance, sessions: readonly Session[]) =>
  Promise.all(sessions.map(session => renew(http, url, session)));

interface Callback {
  readonly browser: Browser;
  readonly url: string;
  readonly asked: AuthorizationUrl;
}

/** A sign-in up to where Entra sends the browser back. */
async function comeBack(rig: Rig, client: Client): Promise<Callback> {
  const browser = new Browser();
  const asked = authorizationUrl(rig, client);
  const picker = await browser.submit(await browser.open(asked.url), { button: 'decision=approve' });
  const { url } = await signInAs(browser, picker, 'ada', { stopAt: at => at.includes('/auth/callback') });
  return { browser, url, asked };
}

/** Whether the person, or the client, is told what is the case while Entra fails. */
async function tellsOf({ browser, url }: Callback, fault: EntraFault): Promise<boolean> {
  const page = await browser.open(url, { stopAt: backAtClient });
  if (page.status === 503) return Number(page.headers.get('retry-after')) > 0;
  const error = backAtClient(page.url) ? new URL(page.url).searchParams.get('error') : undefined;
  return !fault.isOutage && (error === 'server_error' || error === 'temporarily_unavailable');
}

/** Loads the same page again, or, where the client was told, begins again. */
async function signsIn(rig: Rig, client: Client, { browser, url, asked }: Callback): Promise<boolean> {
  let page = await browser.open(url, { stopAt: backAtClient });
  // Entra's code was used up with the answer that was lost: it is asked for another.
  if (!backAtClient(page.url)) page = await signInAs(browser, page, 'ada', { stopAt: backAtClient });
  const code = new URL(page.url).searchParams.get('code');
  if (!code) return (await connect(rig, 'ada', {}, client)).tokens !== undefined;
  return (await token(rig, codeForm(client, { code, verifier: asked.verifier }))).status === 200;
}

/** Somebody is disabled while Entra fails, and somebody else goes on. */
async function disable(rig: Rig, http: LoadClient, instances: readonly Instance[]) {
  const sessions = await signInSessions(rig, 10, { who: ['grace'] });
  const others = await signInSessions(rig, 10, { who: ['ada'] });
  rig.entra.disable('grace');
  const former = sessions.map(({ tokens }) => tokens.access_token);
  const half = (all: readonly Session[], which: number) => all.filter((_, at) => at % 2 === which);
  const all = (of: readonly Session[]) =>
    Promise.all(instances.map((instance, which) => renewAll(http, instance, half(of, which))));
  const ended = (await all(sessions)).flat().filter(isEnd).length;
  const renewed = (await all(others)).flat().filter(({ status }) => status === 200).length;
  for (const instance of instances) await instance.setClock({ shift: 31_000 });
  const calls = former.flatMap(each => instances.map(({ url }) => http.send(sumCall(`${url}/mcp`, each))));
  const alive = (await Promise.all(calls)).filter(({ status }) => status !== 401).length;
  for (const instance of instances) await instance.setClock();
  return [
    promise('a disabled person: grants ended at the next renewal', `${ended} of 10`, 'all', ended === 10),
    promise('a disabled person: access tokens accepted 31 s later', alive, '0', alive === 0),
    promise('somebody else meanwhile: renewed', `${renewed} of 10`, 'all', renewed === 10),
  ];
}

/** Renewals whose id token names a key that there is not, another one each time. */
async function unknownKeys(rig: Rig, http: LoadClient, instance: Instance, count: number) {
  const sessions = await signInSessions(rig, Math.ceil(count / 20), { who: ['ada'] });
  await renewAll(http, instance, sessions);
  let fetches = 0;
  const ignore = rig.toEntra.inject(passing => {
    if (isKeysRequest(passing)) fetches++;
    return undefined;
  });
  const heal = changeIdTokens(rig, withUnknownKey);
  const round = async (shift: number, times: number) => {
    await instance.setClock({ shift });
    fetches = 0;
    const answers: Answer[] = [];
    for (let turn = 0; turn < times; turn++) answers.push(...(await renewAll(http, instance, sessions)));
    return { answers, fetches };
  };
  // The keys were fetched longer than five minutes ago, so that they may be once more.
  const first = await round(301_000, 19);
  const second = await round(602_000, 1);
  heal();
  ignore();
  const last = await renewAll(http, instance, sessions);
  await instance.setClock();
  const answers = [...first.answers, ...second.answers];
  const ended = [...answers, ...last].filter(isEnd).length;
  const renewed = last.filter(({ status }) => status === 200).length;
  return [
    promise(
      `${answers.length} unknown kids: fetches of keys in five minutes`,
      `${first.fetches}, then ${second.fetches}`,
      'at most 1',
      first.fetches <= 1 && second.fetches <= 1,
    ),
    promise('unknown kids: grants ended', ended, '0', ended === 0),
    promise('unknown kids: renewed afterwards', `${renewed} of ${last.length}`, 'all', renewed === last.length),
  ];
}
