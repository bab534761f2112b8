import { createHash } from 'node:crypto';
import { Browser } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { authorizationUrl, connect, refreshForm } from '../../support/flows.ts';
import { toolCall } from '../flows/mcp-call.ts';
import { type Answer, type Call, createLoadClient } from '../rig/load.ts';
import { promise, type Scenario } from '../rig/scenario.ts';

const EVIL = 'evil.example';

/** What proxies and frameworks have believed, and App Service's own names for who is signed in. */
const HEADERS: Record<string, string> = {
  host: EVIL,
  forwarded: `host=${EVIL};proto=https;for=127.0.0.1`,
  'x-forwarded-host': EVIL,
  'x-forwarded-server': EVIL,
  'x-forwarded-proto': 'gopher',
  'x-forwarded-scheme': 'gopher',
  'x-forwarded-protocol': 'gopher',
  'x-forwarded-ssl': 'on',
  'x-forwarded-port': '666',
  'x-forwarded-prefix': `/${EVIL}`,
  'x-forwarded-path': `/${EVIL}`,
  'x-forwarded-uri': `/${EVIL}`,
  'x-forwarded-for': '127.0.0.1',
  'x-forwarded-user': 'admin',
  'x-forwarded-email': 'admin@contoso.example',
  'x-forwarded-access-token': 'x',
  'x-real-ip': '127.0.0.1',
  'x-client-ip': '127.0.0.1',
  'client-ip': '127.0.0.1',
  'true-client-ip': '127.0.0.1',
  'cf-connecting-ip': '127.0.0.1',
  'x-original-forwarded-for': '127.0.0.1',
  'x-host': EVIL,
  'x-original-host': EVIL,
  'x-original-url': '/manage',
  'x-rewrite-url': '/manage',
  'x-http-method': 'DELETE',
  'x-http-method-override': 'DELETE',
  'x-method-override': 'DELETE',
  'x-arr-ssl': EVIL,
  'x-arr-clientcert': 'x',
  'disguised-host': EVIL,
  'was-default-hostname': EVIL,
  'x-waws-unencoded-url': '/manage',
  'x-ms-original-url': `http://${EVIL}/`,
  'x-ms-client-principal': Buffer.from('{"userId":"admin","userRoles":["admin"]}').toString('base64'),
  'x-ms-client-principal-id': '0a1b8c5e-2f4d-4e67-8a90-b1c2d3e4f501',
  'x-ms-client-principal-name': 'admin@contoso.example',
  'x-ms-token-aad-access-token': 'x',
  'x-functions-key': 'x',
  'x-remote-user': 'admin',
  remote_user: 'admin',
  via: `1.1 ${EVIL}`,
  referer: `http://${EVIL}/`,
  from: 'admin@contoso.example',
  'accept-language': 'tlh',
};

/** What is answered where it matters: a page that is no page would stay the same, whatever is sent. */
const EXPECTED: Record<string, number> = {
  'the consent page': 200,
  'account of somebody': 200,
  'manage for nobody': 404,
  'manage for an administrator': 200,
  'the answer to the consent page': 303,
  'a registration': 201,
  'a wrong registration': 400,
  'a tool call': 200,
  'a call of the gateway, behind which nobody is': 502,
  'an introspection': 200,
};

/** Nothing listens behind the gateway. */
const SETTINGS = {
  LOG_LEVEL: 'error',
  MCP_RATE_LIMIT: '0',
  GATEWAY_UPSTREAMS: 'closed=http://127.0.0.1:9/mcp',
  PREREGISTERED_CLIENTS: JSON.stringify([
    {
      client_id: 'api',
      client_secret_sha256: createHash('sha256').update('secret').digest('hex'),
      introspection: true,
    },
  ]),
};

export default {
  number: 22,
  title: `${Object.keys(HEADERS).length} spoofed headers`,
  group: 'Bad input',
  seconds: { whole: 20, short: 20 },
  async run({ rig: startRig, progress }) {
    const rig = await startRig({ settings: SETTINGS });
    const { client, tokens } = await connect(rig);
    const closed = { origin: rig.origin, mcpUrl: `${rig.origin}/closed/mcp` };
    const gateway = await connect(closed, 'ada', { resource: closed.mcpUrl, scope: 'closed:use' });
    rig.entra.change('grace', { roles: ['Admin'] });
    const browser = new Browser();
    await signInAs(browser, await browser.open(`${rig.origin}/auth/login?prompt=login`), 'grace');
    const page = await browser.open(authorizationUrl(rig, client).url);
    const sealed = /name="request" value="([^"]+)"/.exec(page.html)?.[1] ?? '';
    const cookie = browser.cookies.header(new URL(rig.origin), false, true);
    const get = (path: string): Call => ({ url: path.startsWith('http') ? path : rig.origin + path, method: 'GET' });
    const signedIn = (path: string): Call => ({ ...get(path), headers: { cookie } });
    const post = (path: string, form: Record<string, string>): Call => ({
      url: rig.origin + path,
      body: new URLSearchParams(form),
    });
    const calls: Record<string, Call> = {
      'the landing page': get('/'),
      'metadata of the server': get('/.well-known/oauth-authorization-server'),
      'metadata of the resource': get('/.well-known/oauth-protected-resource/mcp'),
      keys: get('/.well-known/jwks.json'),
      'the consent page': get(authorizationUrl(rig, client).url),
      'a wrong redirect URI': get(authorizationUrl(rig, client, { redirect_uri: 'https://evil.example/' }).url),
      'a callback of nobody': get('/auth/callback?state=x&code=x'),
      'the landing page of somebody': signedIn('/'),
      'account of nobody': get('/account'),
      'account of somebody': signedIn('/account'),
      'manage for nobody': get('/manage'),
      'manage for an administrator': signedIn('/manage'),
      // Denied: an approval would be stored, and the next one differ.
      'the answer to the consent page': {
        ...post('/oauth/consent', { request: sealed, decision: 'deny' }),
        headers: { cookie, 'sec-fetch-site': 'same-origin' },
      },
      'a consent page of another browser': post('/oauth/consent', { request: sealed, decision: 'deny' }),
      'a registration': {
        url: `${rig.origin}/oauth/register`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ redirect_uris: ['http://localhost:1/callback'], token_endpoint_auth_method: 'none' }),
      },
      'a wrong registration': {
        url: `${rig.origin}/oauth/register`,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ redirect_uris: ['http://client.example/callback'] }),
      },
      'metadata of the gateway': get('/.well-known/oauth-protected-resource/closed/mcp'),
      'no token at the gateway': { url: closed.mcpUrl, headers: { 'content-type': 'application/json' }, body: '{}' },
      'a call of the gateway, behind which nobody is': toolCall(closed.mcpUrl, gateway.tokens.access_token, 'x', {}),
      'an introspection': post('/oauth/introspect', {
        token: tokens.access_token,
        client_id: 'api',
        client_secret: 'secret',
      }),
      'an introspection by nobody': post('/oauth/introspect', { token: tokens.access_token, client_id: 'x' }),
      'no token at /mcp': { url: rig.mcpUrl, headers: { 'content-type': 'application/json' }, body: '{}' },
      'a tool call': toolCall(rig.mcpUrl, tokens.access_token, 'get_user_profile', {}),
      'an unknown code': post('/oauth/token', {
        grant_type: 'authorization_code',
        code: 'x',
        client_id: client.client_id,
      }),
      'an unknown refresh token': post('/oauth/token', refreshForm(client, 'x') as Record<string, string>),
      'a revocation of nothing': post('/oauth/revoke', { token: 'x', client_id: client.client_id }),
    };
    const load = createLoadClient(4);
    const changed: string[] = [];
    const wrong: string[] = [];
    let asked = 0;
    for (const [name, call] of Object.entries(calls)) {
      progress(name);
      const first = await load.send(call);
      const right = essence(first);
      const wanted = EXPECTED[name] ?? 0;
      if (wanted && first.status !== wanted) wrong.push(`${name}: ${first.status} ${first.body.slice(0, 300)}`);
      for (const [header, value] of Object.entries(HEADERS)) {
        const answer = essence(await load.send({ ...call, headers: { ...call.headers, [header]: value } }));
        asked++;
        if (answer !== right) changed.push(`${name} with ${header}: ${difference(right, answer)}`);
      }
    }
    load.close();
    for (const text of [...wrong, ...changed].slice(0, 5)) console.error(text);
    const count = Object.keys(HEADERS).length;
    return {
      rows: [
        promise('headers', count, '>= 40', count >= 40),
        promise('honest requests that got another answer than they should', wrong.length, '0', wrong.length === 0),
        promise('answers that changed', `${changed.length} of ${asked}`, '0', changed.length === 0),
      ],
    };
  },
} satisfies Scenario;

/**
 * An answer without what is random or counts up in it. Blanked are the date, the names of requests (32 hexadecimal
 * digits), times, and every run of 40 or more characters of base64url: sealed texts, challenges, nonces and keys. What
 * stands inside a sealed text cannot be seen here: the host of a sign-in shows in the redirects that come of it.
 */
function essence({ status, headers, body }: Answer): string {
  const { date: _date, 'keep-alive': _kept, 'x-ms-invocation-id': _invocation, ...rest } = headers;
  const text = `${status}\n${JSON.stringify(rest)}\n${body}`;
  return text
    .replace(/\b[0-9a-f]{32}\b/g, 'ID')
    .replace(/[\w-]{40,}(\.[\w-]{10,})*/g, 'SEALED')
    .replace(/"(uptime\w*|client_id_issued_at)":\d+/g, '$1');
}

function difference(right: string, other: string): string {
  const at = [...right].findIndex((character, index) => character !== other[index]);
  const near = (text: string) => JSON.stringify(text.slice(Math.max(0, at - 60), at + 100));
  return `${near(other)} instead of ${near(right)}`;
}
