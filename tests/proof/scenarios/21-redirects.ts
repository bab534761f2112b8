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
    const sentBack: string[] = [];
    for (const [n, text] of [...Object.values(REGISTERED), ...strings].entries()) {
      if (signal.aborted) break;
      progress(`${n} of ${strings.length}`);
      const place = await redirectOf(rig, client, text);
      if (place !== undefined) sentBack.push(text);
      if (place !== undefined && !isAllowed(text, place)) foreign.push(`authorize sends ${text} to ${place}`);
      const own = await registerOf(rig, text);
      if (!own) continue;
      registered++;
      const wrong = whyUnfit(text);
      if (wrong) foreign.push(`registered ${JSON.stringify(text)}: ${wrong}`);
      const back = await redirectOf(rig, own, text);
      if (back === undefined || !leadsTo(text, back)) foreign.push(`registered as ${text}, sent to ${back}`);
    }
    const known = Object.values<string>(REGISTERED);
    const honest = known.filter(text => sentBack.includes(text)).length;
    for (const text of foreign.slice(0, 20)) console.error(text);
    return {
      rows: [
        promise('strings', every.length, `>= ${AT_LEAST}`, every.length >= AT_LEAST),
        figure('of them tried', strings.length),
        promise(
          'registered ones that are sent back to',
          `${honest} of ${known.length}`,
          'all',
          honest === known.length,
        ),
        promise('foreign redirects', foreign.length, '0', foreign.length === 0),
        figure('of them sent back to: loopback with another port', sentBack.length - honest),
        figure('fit to be registered by a client for itself, and then sent back to', registered),
      ],
    };
  },
} satisfies Scenario;

/**
 * Where the browser of a person is sent who denies what a client asks for; undefined where the request is refused by a
 * page. The very text of the header: parsers would mend it.
 */
async function redirectOf(rig: Rig, client: Client, redirectUri: string): Promise<string | undefined> {
  const { url } = authorizationUrl(rig, client, { redirect_uri: redirectUri });
  const asked = await fetch(url, { redirect: 'manual' });
  const html = await asked.text();
  const at = asked.headers.get('location');
  if (at !== null) return at;
  if (asked.status === 400) return undefined;
  const request = /name="request" value="([^"]+)"/.exec(html)?.[1];
  if (asked.status !== 200 || !request) throw new Error(`The authorization request: ${asked.status} ${html}`);
  const cookie = asked.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const denied = await fetch(`${rig.origin}/oauth/consent`, {
    method: 'POST',
    redirect: 'manual',
    headers: { cookie, 'sec-fetch-site': 'same-origin' },
    body: new URLSearchParams({ request, decision: 'deny' }),
  });
  const place = denied.headers.get('location');
  if (place === null) throw new Error(`The denial: ${denied.status} ${await denied.text()}`);
  return place;
}

/** Only where it is registered: there literally, and on loopback with another port (RFC 8252 section 7.3). */
function isAllowed(text: string, place: string): boolean {
  const isRegistered = Object.values<string>(REGISTERED).includes(text);
  // A port may be empty, which is the usual one, or begin with zeros (RFC 3986 section 3.2.3).
  const isLoopback =
    /^http:\/\/127\.0\.0\.1:\d{0,5}\/callback$/.test(text) && Number(text.split(':')[2]?.split('/')[0]) < 65_536;
  return (isRegistered || isLoopback) && leadsTo(text, place);
}

/** Whether a place is that text, with nothing but the answer behind it. */
function leadsTo(text: string, place: string): boolean {
  return place.startsWith(text) && /^[?&]?error=access_denied&/.test(place.slice(text.length));
}

/** The client, where it may be registered; undefined where it is refused. */
async function registerOf(rig: Rig, redirectUri: string): Promise<Client | undefined> {
  try {
    return await register(rig, { redirect_uris: [redirectUri] });
  } catch (error) {
    if (error instanceof Error && error.message.startsWith('Registration: 400 ')) return undefined;
    throw error;
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
  // Zeros before a port change nothing (RFC 3986 section 3.2.3), and a loopback's is not compared.
  const written = url.protocol === 'http:' ? text.replace(/^(http:\/\/[^/?]*:)0+(?=\d)/, '$1') : text;
  if (/^https?:/.test(url.protocol) && !written.startsWith(`${url.protocol}//${url.host}`))
    return 'a host that is written in another way';
  return undefined;
}
