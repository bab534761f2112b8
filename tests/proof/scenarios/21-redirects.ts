import { authorizationUrl, type Client, register } from '../../support/flows.ts';
import { REGISTERED, redirectStrings } from '../flows/redirect-strings.ts';
import type { Rig } from '../rig/rig.ts';
import { figure, promise, type Scenario } from '../rig/scenario.ts';

const AT_LEAST = 600;

export default {
  number: 21,
  title: 'Redirect URIs that only look right, at registration and authorize',
  group: 'Bad input',
  seconds: { whole: 40, short: 20 },
  async run({ rig: startRig, short, random, progress, signal }) {
    const rig = await startRig({ settings: { LOG_LEVEL: 'error' } });
    const client = await register(rig, { redirect_uris: Object.values(REGISTERED) });
    const every = redirectStrings();
    const strings = short ? random.shuffle(every).slice(0, 250) : every;
    const foreign: string[] = [];
    let registered = 0;
    for (const [n, text] of strings.entries()) {
      if (signal.aborted) break;
      progress(`${n} of ${strings.length}`);
      const place = await redirectOf(rig, client, text);
      if (place !== undefined && !isAllowed(text, place)) foreign.push(`authorize sends ${text} to ${place}`);
      const own = await registerOf(rig, text);
      if (!own) continue;
      registered++;
      const wrong = whyUnfit(text);
      if (wrong) foreign.push(`registered ${JSON.stringify(text)}: ${wrong}`);
      const back = await redirectOf(rig, own, text);
      if (back !== undefined && !back.startsWith(text)) foreign.push(`registered as ${text}, sent to ${back}`);
    }
    for (const text of foreign.slice(0, 20)) console.error(text);
    return {
      rows: [
        promise('strings', every.length, `>= ${AT_LEAST}`, every.length >= AT_LEAST),
        promise('foreign redirects', foreign.length, '0', foreign.length === 0),
        figure('of them fit to be registered by a client for itself', registered),
      ],
    };
  },
} satisfies Scenario;

/** Where a browser is sent by a request that is answered at once, with an error; undefined where it is a page. */
async function redirectOf(rig: Rig, client: Client, redirectUri: string): Promise<string | undefined> {
  const { url } = authorizationUrl(rig, client, { redirect_uri: redirectUri, prompt: 'none' });
  const response = await fetch(url, { redirect: 'manual' });
  await response.text();
  return response.headers.get('location') ?? undefined;
}

/** Only where it is registered: there literally, and on loopback with another port (RFC 8252 section 7.3). */
function isAllowed(text: string, place: string): boolean {
  const isRegistered = Object.values<string>(REGISTERED).includes(text);
  const isLoopback =
    /^http:\/\/127\.0\.0\.1:\d{1,5}\/callback$/.test(text) && Number(text.split(':')[2]?.split('/')[0]) < 65_536;
  return (isRegistered || isLoopback) && place.startsWith(`${text}?`);
}

async function registerOf(rig: Rig, redirectUri: string): Promise<Client | undefined> {
  try {
    return await register(rig, { redirect_uris: [redirectUri] });
  } catch {
    return undefined;
  }
}

/** Why nobody may register this; undefined for what OAuth 2.1 and RFC 8252 allow. */
function whyUnfit(text: string): string | undefined {
  if (!URL.canParse(text)) return 'no URL';
  const url = new URL(text);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it looks for
  if (/[\x00-\x20\x7f-\uffff\\]/.test(text)) return 'characters that no URI has';
  if (text.includes('#')) return 'a fragment';
  if (url.username || url.password) return 'user info';
  if (['javascript:', 'data:', 'file:', 'blob:', 'view-source:', 'about:', 'ftp:'].includes(url.protocol))
    return 'a scheme that is no client';
  if (url.protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)) return 'http elsewhere';
  if (/^https?:/.test(url.protocol) && !text.startsWith(`${url.protocol}//${url.host}`))
    return 'a host that is written in another way';
  return undefined;
}
