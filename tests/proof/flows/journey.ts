import { Browser, type Page } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import {
  type AuthorizationUrl,
  authorizationUrl,
  type Client,
  codeForm,
  post,
  refreshForm,
  type Tokens,
} from '../../support/flows.ts';
import { createLoadClient } from '../rig/load.ts';
import type { Rig } from '../rig/rig.ts';
import { sumCall } from './mcp-call.ts';

/** The life of one client's connection, in its order. */
export const STEPS = [
  'registration',
  'authorization',
  'consent',
  'callback',
  'redemption',
  'tool call',
  'renewal',
  'second renewal',
  'second tool call',
  'revocation',
] as const;
export type Step = (typeof STEPS)[number];

/** What came of a step: it is done, or to be taken again with the very same request, or refused. */
export type Taken = { readonly is: 'done' } | { readonly is: 'outage' | 'refused'; readonly answer: string };

/** A client and a person's browser. A step that is taken again sends what it sent before, as they would. */
export interface Journey {
  take(step: Step): Promise<Taken>;
  /** Begins the sign-in anew with the same client, as a person does who is told that it is over. */
  beginAgain(): void;
  readonly client: Client;
  /** Whether it has ended by its revocation. */
  readonly isOver: boolean;
  /** All that were given out, the newest last. */
  readonly accessTokens: readonly string[];
  readonly refreshTokens: readonly string[];
}

const DONE: Taken = { is: 'done' };

/** Not on loopback: so the person's session is stored, for the approval is remembered by it. */
const REDIRECT_URI = 'https://client.example/callback';
const backAtClient = (url: string) => url.startsWith(REDIRECT_URI);

export function beginJourney(rig: Rig, clientName: string): Journey {
  const http = createLoadClient(1);
  let client: Client = { client_id: '' };
  let browser: Browser;
  let asked: AuthorizationUrl;
  let page: Page;
  let callback: string | undefined;
  let code: string;
  let isOver = false;
  const accessTokens: string[] = [];
  const refreshTokens: string[] = [];
  const isCallback = (url: string) => url.startsWith(`${rig.origin}/auth/callback`);

  function beginAgain(): void {
    browser = new Browser();
    asked = authorizationUrl(rig, client, { redirect_uri: REDIRECT_URI });
    callback = undefined;
  }

  async function askForTokens(form: ReturnType<typeof refreshForm>): Promise<Taken> {
    const response = await post(rig, '/oauth/token', form);
    if (response.status !== 200) return failed(response.status, await response.text());
    const tokens = (await response.json()) as Tokens;
    accessTokens.push(tokens.access_token);
    refreshTokens.push(tokens.refresh_token);
    return DONE;
  }

  /** Steps that renew keep what they presented, so that they present it again. */
  const presented = new Map<Step, string>();
  function renew(step: Step): Promise<Taken> {
    const token = presented.get(step) ?? refreshTokens.at(-1) ?? '';
    presented.set(step, token);
    return askForTokens(refreshForm(client, token));
  }

  async function callTool(): Promise<Taken> {
    const { status, body } = await http.send(sumCall(rig.mcpUrl, accessTokens.at(-1) ?? ''));
    http.close();
    return status === 200 ? DONE : failed(status, body);
  }

  const steps: Record<Step, () => Promise<Taken>> = {
    registration: async () => {
      const metadata = { client_name: clientName, redirect_uris: [REDIRECT_URI], token_endpoint_auth_method: 'none' };
      const response = await fetch(`${rig.origin}/oauth/register`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ ...metadata, grant_types: ['authorization_code', 'refresh_token'] }),
      });
      if (response.status !== 201) return failed(response.status, await response.text());
      client = (await response.json()) as Client;
      beginAgain();
      return DONE;
    },
    authorization: async () => {
      page = await browser.open(asked.url);
      return page.status === 200 ? DONE : failed(page.status, page.html);
    },
    consent: async () => {
      const next = await browser.submit(page, { button: 'decision=approve' });
      if (!next.url.startsWith(rig.entra.url)) return failed(next.status, next.html);
      page = next;
      return DONE;
    },
    callback: async () => {
      callback ??= (await signInAs(browser, page, 'ada', { stopAt: isCallback })).url;
      let back = await browser.open(callback, { stopAt: backAtClient });
      // Entra is asked once more where its code was spent, and nothing came of it.
      if (back.url.startsWith(rig.entra.url)) back = await signInAs(browser, back, 'ada', { stopAt: backAtClient });
      const given = backAtClient(back.url) && new URL(back.url).searchParams.get('code');
      if (!given) return failed(back.status, back.html || back.url);
      code = given;
      return DONE;
    },
    redemption: () => askForTokens(codeForm(client, { code, verifier: asked.verifier, redirectUri: REDIRECT_URI })),
    'tool call': callTool,
    renewal: () => renew('renewal'),
    'second renewal': () => renew('second renewal'),
    'second tool call': callTool,
    revocation: async () => {
      const form = { token: refreshTokens.at(-1), client_id: client.client_id };
      const response = await post(rig, '/oauth/revoke', form);
      if (response.status !== 200) return failed(response.status, await response.text());
      isOver = true;
      return DONE;
    },
  };

  return {
    take: async step => {
      try {
        return await steps[step]();
      } catch (error) {
        // Where the connection broke, there is no answer.
        if (error instanceof TypeError) return failed(0, String(error.cause ?? error));
        throw error;
      }
    },
    beginAgain,
    get client() {
      return client;
    },
    get isOver() {
      return isOver;
    },
    accessTokens,
    refreshTokens,
  };
}

/** A broken connection, and what proxies and this server say of an outage; nothing else is to be tried again. */
const OUTAGES = new Set([0, 502, 503]);

function failed(status: number, said: string): Taken {
  const text = said.replace(/<style.*?<\/style>|<[^>]*>/gs, ' ').replace(/\s+/g, ' ');
  return { is: OUTAGES.has(status) ? 'outage' : 'refused', answer: `${status} ${text.trim().slice(0, 200)}` };
}

/** How a journey went. */
export interface Travelled {
  /** How often a request was sent again. */
  readonly again: number;
  /** How often the sign-in was begun anew. */
  readonly anew: number;
  /** Why it did not come to its end. */
  readonly failure?: string;
}

export interface Travel {
  /** How many send the same at once where tokens are asked for; one unless it says otherwise. */
  readonly atOnce?: number;
  /** Whether a sign-in that is refused before there are tokens may be begun anew, once; no unless it says so. */
  readonly mayBeginAgain?: boolean;
  /** Asked before a request is sent again; with `false` the journey ends there. */
  readonly mayTryAgain?: () => boolean;
}

const MOST_TRIES = 6;
const RACED: ReadonlySet<Step> = new Set(['redemption', 'renewal', 'second renewal']);

/** Takes all steps, each again while it is answered by an outage. */
export async function travel(
  journey: Journey,
  { atOnce = 1, mayBeginAgain = false, mayTryAgain = () => true }: Travel = {},
): Promise<Travelled> {
  let [again, anew] = [0, 0];
  for (let at = 0; at < STEPS.length; at++) {
    const step = STEPS[at] as Step;
    let taken = await takeAtOnce(journey, step, atOnce);
    for (let tries = 1; taken.is === 'outage' && tries < MOST_TRIES; tries++) {
      if (!mayTryAgain()) break;
      again++;
      taken = await takeAtOnce(journey, step, atOnce);
    }
    if (taken.is === 'done') continue;
    const isSignIn = at <= STEPS.indexOf('redemption');
    if (taken.is === 'outage' || !mayBeginAgain || !isSignIn || anew > 0) {
      return { again, anew, failure: `${step}: ${taken.answer}` };
    }
    anew++;
    journey.beginAgain();
    at = STEPS.indexOf('authorization') - 1;
  }
  return { again, anew };
}

/** The worst that came of it: refused, or else done where one was. All that were given tokens have the same. */
async function takeAtOnce(journey: Journey, step: Step, atOnce: number): Promise<Taken> {
  const before = journey.refreshTokens.length;
  const count = RACED.has(step) ? atOnce : 1;
  const all = await Promise.all(Array.from({ length: count }, () => journey.take(step)));
  const heirs = new Set(journey.refreshTokens.slice(before)).size;
  if (heirs > 1) return { is: 'refused', answer: `${heirs} refresh tokens` };
  return (
    all.find(({ is }) => is === 'refused') ??
    all.find(({ is }) => is === 'done') ?? { is: 'outage', answer: answerOf(all) }
  );
}

const answerOf = (all: readonly Taken[]) => all.map(each => (each.is === 'done' ? '' : each.answer)).join('; ');
