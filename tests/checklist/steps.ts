import { Browser, type Page, textOf } from '../../dev/browser/index.ts';
import { type Choice, signInAs } from '../../dev/entra/sign-in.ts';
import type { AppServer } from '../support/app-server.ts';
import { type AuthorizationUrl, authorizationUrl, backAtClient, type Client, register } from '../support/flows.ts';

/** Steps of a sign-in that the checklist's tests stop between. */

export const APPROVE = 'decision=approve';
export const DENY = 'decision=deny';

/** Where a web client is sent back to. */
export const WEB_REDIRECT = 'https://app.example/callback';
/** Asks to be sent there. */
export const WEB = { redirect_uri: WEB_REDIRECT };
export const backAtWebClient = (url: string) => url.startsWith('https://app.example/');

/** A public client whose redirect URI is https, unless `metadata` says otherwise. */
export function registerWeb(server: AppServer, metadata: Record<string, unknown> = {}): Promise<Client> {
  return register(server, { client_name: 'A web client', redirect_uris: [WEB_REDIRECT], ...metadata });
}

export interface AtConsent extends AuthorizationUrl {
  browser: Browser;
  page: Page;
}

/**
 * Opens the consent page.
 * @throws Error when another page comes
 */
export async function openConsent(
  server: AppServer,
  client: Client,
  change: Record<string, string | undefined> = {},
  browser = new Browser(),
): Promise<AtConsent> {
  const asked = authorizationUrl(server, client, change);
  const page = await browser.open(asked.url);
  if (!page.html.includes('name="decision"')) throw new Error(`${page.url} (${page.status}): ${textOf(page.html)}`);
  return { ...asked, browser, page };
}

/** Approves and chooses a person at Entra; gives the URL of the callback, which the browser has not opened. */
export async function toCallback(
  server: AppServer,
  { browser, page }: AtConsent,
  who: Choice = 'ada',
): Promise<string> {
  const stopAt = (url: string) => url.startsWith(`${server.origin}/auth/callback`);
  const next = await browser.submit(page, { button: APPROVE, stopAt });
  return stopAt(next.url) ? next.url : (await signInAs(browser, next, who, { stopAt })).url;
}

/** Opens a URL as far as the client's redirect URI. */
export async function openToClient(browser: Browser, url: string): Promise<URL> {
  return new URL((await browser.open(url, { stopAt: stopAtClient })).url);
}

export const stopAtClient = (url: string) => backAtClient(url) || backAtWebClient(url);

/** Signs a person in on the landing page, without a client. */
export async function signInAtLanding(server: AppServer, browser: Browser, who: Choice = 'ada'): Promise<Page> {
  return signInAs(browser, await browser.open(`${server.origin}/auth/login?prompt=login`), who);
}

export interface Answer {
  status: number;
  headers: Headers;
  text: string;
  location: string | null;
}

/** One request, its redirect not followed. */
export async function send(url: string, init: RequestInit = {}): Promise<Answer> {
  const response = await fetch(url, { redirect: 'manual', ...init });
  const { status, headers } = response;
  return { status, headers, text: await response.text(), location: headers.get('location') };
}

/** The JSON of a document of this server. */
export async function documentAt<T = Record<string, unknown>>(server: AppServer, path: string): Promise<T> {
  const { status, text } = await send(server.origin + path);
  if (status !== 200) throw new Error(`${path}: ${status}`);
  return JSON.parse(text) as T;
}

/** The parts of a Bearer challenge (RFC 6750 section 3). */
export function challengeOf(headers: Headers): Record<string, string> {
  const header = headers.get('www-authenticate') ?? '';
  return Object.fromEntries([...header.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]));
}
