import { Browser } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { triggers } from '../../../functions/triggers.ts';
import { authorizationUrl, codeForm, connect, obtainCode, refreshForm, register } from '../../support/flows.ts';
import type { Call } from '../rig/load.ts';
import type { Rig } from '../rig/rig.ts';
import { sumCall, toolCall } from './mcp-call.ts';

/** A request to one endpoint. */
export interface Ask {
  /** The name of its function. */
  readonly endpoint: string;
  readonly call: Call;
  /** `storage`: cannot be answered without it; `list`: by the list of revocations, while that is of use; `none`: needs neither. */
  readonly needs: 'storage' | 'list' | 'none';
}

/** The functions that are asked over HTTP. */
export const endpointNames = triggers.flatMap(trigger => ('route' in trigger ? [trigger.name] : [])).sort();

/** What may introspect tokens: the rig has to be started with it as `PREREGISTERED_CLIENTS`. */
export interface Introspector {
  readonly client_id: string;
  readonly client_secret: string;
}

/** Makes a request to each endpoint, for which all is prepared: each would be answered well now, once. */
export async function askEach(rig: Rig, introspector: Introspector): Promise<Ask[]> {
  const { origin, mcpUrl } = rig;
  const path = (name: string) => `${origin}${name}`;
  const client = await register(rig);
  const browser = new Browser();
  const home = await signInAs(browser, await browser.open(path('/auth/login?prompt=login')), 'ada');
  const cookie = browser.cookies.header(new URL(origin), false, true) ?? '';
  const csrf = hidden(home.html, 'csrf');
  rig.entra.change('grace', { roles: ['Admin'] });
  const admin = new Browser();
  await signInAs(admin, await admin.open(path('/auth/login?prompt=login')), 'grace');
  const adminCookie = admin.cookies.header(new URL(origin), false) ?? '';

  const consent = await browser.open(authorizationUrl(rig, client).url);
  const isEntra = (url: string) => url.startsWith(rig.entra.url);
  const begun = new URL((await browser.open(path('/auth/login'), { stopAt: isEntra })).url).searchParams.get('state');
  const asked = await browser.open(authorizationUrl(rig, client).url);
  const stopAt = (url: string) => url.includes('/auth/callback');
  const callback = (await browser.submit(asked, { button: 'decision=approve', stopAt })).url;
  const code = await obtainCode(rig, client);
  const [renewed, revoked, used] = [
    await connect(rig, 'ada', {}, client),
    await connect(rig, 'ada', {}, client),
    await connect(rig, 'ada', {}, client),
  ].map(({ tokens }) => tokens) as [Tokens, Tokens, Tokens];

  const get = (url: string): Call => ({ url, method: 'GET', headers: { cookie, accept: 'text/html' } });
  const post = (url: string, form: Form): Call => ({
    url,
    headers: { cookie, 'sec-fetch-site': 'same-origin', origin },
    body: formOf(form),
  });
  const form = (url: string, fields: Form): Call => ({ url, body: formOf(fields) });
  const document = (name: string): Call => ({ url: path(`/.well-known/${name}`), method: 'GET' });
  const asks: Record<string, [Ask['needs'], Call][]> = {
    account: [
      ['storage', get(path('/account'))],
      ['storage', post(path('/account'), { csrf, action: 'export' })],
      ['storage', post(path('/account'), { csrf, action: 'end-all' })],
    ],
    'auth-callback': [['storage', get(callback)]],
    'auth-front-channel-logout': [['storage', get(path('/auth/front-channel-logout?sid=0a1b8c5e-2f4d-4e67'))]],
    'auth-interaction': [['storage', get(path(`/auth/interaction?id=${begun}`))]],
    'auth-login': [
      ['storage', get(path('/auth/login'))],
      ['storage', get(path(`/auth/login?signin=${begun}`))],
    ],
    'auth-logout': [['storage', post(path('/auth/logout'), { csrf })]],
    'authorization-server': [['none', document('oauth-authorization-server')]],
    gateway: [['none', { url: path('/nothing/mcp'), method: 'GET' }]],
    health: [['none', { url: path('/health'), method: 'GET' }]],
    'health-ready': [['storage', { url: path('/health/ready'), method: 'GET' }]],
    jwks: [['none', document('jwks.json')]],
    landing: [
      ['none', { url: path('/'), method: 'GET' }],
      ['storage', get(path('/'))],
      ['storage', post(path('/'), { csrf, action: 'issue-token', scope: 'notes:read' })],
    ],
    manage: [
      ['none', get(path('/manage'))],
      ['storage', { url: path('/manage'), method: 'GET', headers: { cookie: adminCookie } }],
    ],
    mcp: [
      ['list', sumCall(mcpUrl, used.access_token)],
      ['storage', toolCall(mcpUrl, used.access_token, 'save_user_note', { note: 'An outage.' })],
      ['storage', toolCall(mcpUrl, used.access_token, 'get_user_notes', {})],
    ],
    'oauth-authorize': [['storage', get(authorizationUrl(rig, client).url)]],
    'oauth-consent': [
      [
        'storage',
        post(path('/oauth/consent'), {
          request: hidden(consent.html, 'request'),
          decision: 'approve',
          scope: 'profile',
        }),
      ],
    ],
    'oauth-introspect': [['list', form(path('/oauth/introspect'), { token: used.access_token, ...introspector })]],
    'oauth-register': [
      [
        'storage',
        {
          url: path('/oauth/register'),
          headers: { 'content-type': 'application/json' },
          body: JSON.stringify({ redirect_uris: [`http://localhost:33418/${Math.trunc(performance.now() * 1000)}`] }),
        },
      ],
    ],
    'oauth-revoke': [
      ['storage', form(path('/oauth/revoke'), { token: revoked.refresh_token, client_id: client.client_id })],
      ['storage', form(path('/oauth/revoke'), { token: revoked.access_token, client_id: client.client_id })],
    ],
    'oauth-token': [
      ['storage', form(path('/oauth/token'), codeForm(client, code))],
      ['storage', form(path('/oauth/token'), refreshForm(client, renewed.refresh_token))],
    ],
    'openid-configuration': [['none', document('openid-configuration')]],
    'protected-resource': [['none', document('oauth-protected-resource')]],
    'protected-resource-mcp': [['none', document('oauth-protected-resource/mcp')]],
    'protected-resource-of-gateway': [['none', document('oauth-protected-resource/nothing/mcp')]],
    'zz-not-found': [['none', get(path('/nothing'))]],
  };
  return Object.entries(asks).flatMap(([endpoint, own]) => own.map(([needs, call]) => ({ endpoint, needs, call })));
}

type Tokens = Awaited<ReturnType<typeof connect>>['tokens'];
type Form = Record<string, string | undefined>;

const hidden = (html: string, name: string) => new RegExp(`name="${name}" value="([^"]+)"`).exec(html)?.[1] ?? '';

function formOf(form: Form): URLSearchParams {
  return new URLSearchParams(Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined));
}
