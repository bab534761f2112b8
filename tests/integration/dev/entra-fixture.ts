/** An application of the Entra stand-in, seen from outside: its authorize URL, its person, its token requests. */
import { createHash, randomBytes } from 'node:crypto';
import { Browser } from '../../../dev/browser/index.ts';
import type { Entra } from '../../../dev/entra/index.ts';
import { type Choice, signInAs } from '../../../dev/entra/sign-in.ts';

/** Nothing listens there: the browser stops before it. */
export const REDIRECT_URI = 'http://localhost:1/auth/callback';
export const SECRET = 'a-secret-of-the-tests-of-thirty-two-characters-at-least';
export const VERIFIER = randomBytes(32).toString('base64url');

export type Form = Record<string, string | undefined>;

/** An authorize URL; what `change` sets to undefined is left out. */
export function authorizeUrl(entra: Entra, change: Form = {}): string {
  return `${entra.url}/${entra.tenantId}/oauth2/v2.0/authorize?${formOf({
    client_id: entra.clientId,
    response_type: 'code',
    redirect_uri: REDIRECT_URI,
    scope: 'openid profile email offline_access User.Read',
    state: 'the-state',
    nonce: 'the-nonce',
    code_challenge: createHash('sha256').update(VERIFIER).digest('base64url'),
    code_challenge_method: 'S256',
    ...change,
  })}`;
}

export const stopAt = (url: string) => url.startsWith(REDIRECT_URI);

/** What comes back to the application after somebody was chosen. */
export async function backAs(entra: Entra, who: Choice, change: Form = {}, browser = new Browser()) {
  const picker = await browser.open(authorizeUrl(entra, change));
  const { url } = await signInAs(browser, picker, who, { stopAt });
  return new URL(url).searchParams;
}

export async function codeOf(entra: Entra, who: Choice = 'ada', change: Form = {}): Promise<string> {
  return (await backAs(entra, who, change)).get('code') ?? '';
}

export const codeForm = (entra: Entra, code: string): Form => ({
  client_id: entra.clientId,
  client_secret: entra.clientSecret,
  grant_type: 'authorization_code',
  code,
  redirect_uri: REDIRECT_URI,
  code_verifier: VERIFIER,
});

export const refreshForm = (entra: Entra, refreshToken: string): Form => ({
  client_id: entra.clientId,
  client_secret: entra.clientSecret,
  grant_type: 'refresh_token',
  refresh_token: refreshToken,
});

export interface TokenAnswer {
  token_type: string;
  scope: string;
  expires_in: number;
  ext_expires_in: number;
  access_token: string;
  id_token: string;
  refresh_token: string;
  client_info?: string;
  error: string;
  error_codes: number[];
  error_description: string;
  suberror?: string;
  claims?: string;
}

export async function token(entra: Entra, form: Form) {
  const response = await fetch(`${entra.url}/${entra.tenantId}/oauth2/v2.0/token`, {
    method: 'POST',
    body: formOf(form),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as TokenAnswer };
}

/** Signs somebody in and redeems the code. */
export async function tokensOf(entra: Entra, who: Choice = 'ada', change: Form = {}): Promise<TokenAnswer> {
  const { status, body } = await token(entra, codeForm(entra, await codeOf(entra, who, change)));
  if (status !== 200) throw new Error(`Token: ${status} ${JSON.stringify(body)}`);
  return body;
}

function formOf(form: Form): URLSearchParams {
  const entries = Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return new URLSearchParams(entries);
}
