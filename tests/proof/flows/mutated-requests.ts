import { createHash, randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { Browser } from '../../../dev/browser/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { badProofs } from '../../support/bad-proofs.ts';
import { AUTHORIZATION, type Fields, forms, HEADER, NASTY, queries, type Sent } from '../../support/broken-requests.ts';
import { authorizationUrl, codeForm, connect, obtainCode, refreshForm } from '../../support/flows.ts';
import type { Answer } from '../rig/load.ts';
import type { Rig } from '../rig/rig.ts';
import { messages, registrations } from './mutated-documents.ts';

/** Requests to one endpoint that are right but for a part or two. */
export interface Target {
  /** The next of them, around what is good for some seconds: a code, a session, a sign-in under way. */
  next(): Promise<Batch>;
  /** Whether an answer shows that a request came as far as an honest one does; absent where all do. */
  readonly cameThrough?: (answer: Answer) => boolean;
  /** Whether an answer of 502 to 504 tells of an outage that there is: of a server behind the gateway. */
  readonly isOutage?: (answer: Answer) => boolean;
  /** How many of them, of those that others get; documents read nothing of a request. */
  readonly share?: number;
}

export interface Batch {
  readonly requests: fc.Arbitrary<Sent>;
  /** Whether an answer let somebody past PKCE. */
  readonly skipsPkce?: (sent: Sent, answer: Answer) => boolean;
}

const API = { client_id: 'api', client_secret: 'secret' };

/** What the instances need for {@link targetsOf}. Nothing listens behind their gateway. */
export const SETTINGS = {
  LOG_LEVEL: 'warn',
  MCP_RATE_LIMIT: '0',
  GATEWAY_UPSTREAMS: 'closed=http://127.0.0.1:9/mcp',
  PREREGISTERED_CLIENTS: JSON.stringify([
    {
      client_id: API.client_id,
      client_secret_sha256: createHash('sha256').update(API.client_secret).digest('hex'),
      introspection: true,
    },
    { client_id: 'portal', redirect_uris: ['http://localhost:33418/callback'] },
  ]),
};

/** Sign-ins that are under way at once: each takes ten answers of Entra's a minute and instance. */
const UNDER_WAY = 8;
const FEW = 0.1;
const CLIENT_MEMBERS = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'];
const PORTAL = { client_id: 'portal' };

/** By the names of the functions. */
export async function targetsOf(rig: Rig): Promise<Record<string, Target>> {
  const { origin, mcpUrl } = rig;
  rig.entra.change('grace', { roles: ['Admin'] });
  const { client, tokens } = await connect(rig);
  const wiki = { origin, mcpUrl: `${origin}/closed/mcp` };
  const gateway = await connect(wiki, 'ada', { resource: wiki.mcpUrl, scope: 'closed:use' });
  const proofs = await badProofs(`${origin}/oauth/token`, Math.floor(Date.now() / 1000));
  const proof = fc.nat(100).map((n): Fields => ({ dpop: proofs[n % proofs.length] ?? '' }));

  const forged = fc
    .tuple(fc.constantFrom('mcp-signin', 'mcp-session', 'x'), HEADER)
    .map(([name, value]): Fields => ({ cookie: `${name}-${new URL(origin).port}=${value}` }));
  const mostly = (right: Fields, ...others: fc.Arbitrary<Fields>[]) =>
    fc.oneof({ weight: 8, arbitrary: fc.constant(right) }, ...others.map(arbitrary => ({ weight: 1, arbitrary })));
  const isRedirect = ({ status }: Answer) => status === 302 || status === 303;
  const isPage = ({ status }: Answer) => status === 200;

  /** A consent page of the client that the operator has registered, and the cookie of its browser. */
  async function consentPage(cookie?: string) {
    const asked = authorizationUrl(rig, PORTAL);
    const page = await fetch(asked.url, { headers: cookie ? { cookie } : {} });
    const own = cookie ?? page.headers.getSetCookie()[0]?.split(';')[0] ?? '';
    const sealed = /name="request" value="([^"]+)"/.exec(await page.text())?.[1] ?? '';
    return { sealed, headers: { cookie: own, 'sec-fetch-site': 'same-origin' } };
  }

  /** The names of sign-ins that are under way in one browser. */
  async function begin(count: number) {
    const ids: string[] = [];
    let headers: Fields & { cookie: string } = (await consentPage()).headers;
    for (let n = 0; n < count; n++) {
      const page = await consentPage(headers.cookie);
      headers = page.headers;
      const answer = await fetch(`${origin}/oauth/consent`, {
        method: 'POST',
        redirect: 'manual',
        headers,
        body: new URLSearchParams({ request: page.sealed, decision: 'approve', scope: 'profile' }),
      });
      ids.push(new URL(answer.headers.get('location') ?? '').searchParams.get('state') ?? '');
    }
    return { ids, headers };
  }

  /** An administrator who has just signed in. */
  async function session() {
    const browser = new Browser();
    const home = await signInAs(browser, await browser.open(`${origin}/auth/login?prompt=login`), 'grace');
    const cookie = browser.cookies.header(new URL(origin), false, true) ?? '';
    const csrf = /name="csrf" value="([^"]+)"/.exec(home.html)?.[1] ?? '';
    return { csrf, headers: mostly({ cookie, 'sec-fetch-site': 'same-origin', origin }, forged) };
  }

  /** Forms and queries at a page of a person, for each of these actions. */
  function pageOf(path: string, actions: readonly string[], more: Fields = {}): Target['next'] {
    return async () => {
      const { csrf, headers } = await session();
      const fields = { csrf, ...more };
      const each = actions.map(action => forms({ path, fields: { ...fields, action }, headers }));
      return { requests: fc.oneof(...each, queries({ path, fields: { show: 'notes', ...fields }, headers })) };
    };
  }

  async function authorize(): Promise<Batch> {
    const asked = Object.fromEntries(new URL(authorizationUrl(rig, PORTAL).url).searchParams);
    const { cookie } = (await consentPage()).headers;
    const also = ['prompt', 'request', 'request_uri', 'response_mode', 'max_age', 'login_hint', 'dpop_jkt'];
    const headers = mostly({ cookie }, forged);
    return {
      requests: queries({ path: '/oauth/authorize', fields: asked, also, headers }),
      skipsPkce: ({ path }, { status, body }) => {
        if (status !== 200 || !body.includes('name="request"')) return false;
        const { searchParams } = new URL(path, origin);
        // Another challenge of right form asks for another verifier, and skips nothing.
        return (
          !/^[\w-]{43}$/.test(searchParams.getAll('code_challenge').join()) ||
          searchParams.getAll('code_challenge_method').join() !== 'S256'
        );
      },
    };
  }

  async function redeemAndRenew(): Promise<Batch> {
    const unspent = await obtainCode(rig, client);
    const { verifier } = unspent;
    const { tokens: spent } = await connect(rig, 'ada', {}, client);
    const path = '/oauth/token';
    const code = { ...codeForm(client, unspent), resource: mcpUrl } as Fields;
    const renewal = { ...refreshForm(client, spent.refresh_token), scope: 'notes:read' } as Fields;
    const headers = mostly({}, AUTHORIZATION, proof);
    const challenge = createHash('sha256').update(verifier).digest('base64url');
    const verifiers = fc.oneof(
      fc.constant(verifier),
      NASTY,
      fc.constantFrom(challenge, verifier.toLowerCase(), verifier.slice(1), `${verifier}x`, `${verifier} `),
      fc
        .nat(verifier.length - 1)
        .map(at => `${verifier.slice(0, at)}${verifier[at] === 'A' ? 'B' : 'A'}${verifier.slice(at + 1)}`),
    );
    const otherVerifier = verifiers.map(
      (text): Sent => ({
        method: 'POST',
        path,
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams({ ...code, code_verifier: text.toWellFormed() }).toString(),
      }),
    );
    const [codes, renewals] = [code, renewal].map(fields => forms({ path, fields, also: CLIENT_MEMBERS, headers }));
    return {
      requests: fc.oneof(otherVerifier, ...[codes, renewals].flatMap(each => each ?? [])),
      skipsPkce: ({ body }, { status, body: answer }) => {
        if (status !== 200 || !answer.includes('access_token')) return false;
        const form = new URLSearchParams(String(body));
        return form.get('grant_type') === 'authorization_code' && form.getAll('code_verifier').join() !== verifier;
      },
    };
  }

  const always = (requests: fc.Arbitrary<Sent>) => () => Promise.resolve({ requests });
  /** What reads nothing of a request. */
  const document = (path: string, fields: Fields = { x: 'x' }): Target => ({
    next: always(queries({ path, fields, headers: fc.oneof(AUTHORIZATION, forged) })),
    cameThrough: isPage,
    share: FEW,
  });
  const wellKnown = (name: string) => document(`/.well-known/${name}`);
  return {
    account: {
      next: pageOf('/account', ['end-grant', 'end-all', 'delete-note', 'export', 'delete-everything', 'x'], {
        grant_id: 'A'.repeat(22),
        note_id: `${'0'.repeat(16)}r${'0'.repeat(32)}`,
        from: `${'0'.repeat(16)}r${'1'.repeat(32)}`,
      }),
      cameThrough: answer => answer.body.includes('Grace'),
    },
    'auth-callback': {
      next: async () => {
        const { ids, headers } = await begin(UNDER_WAY);
        const refused = { error: 'access_denied', error_description: 'AADSTS50105' };
        const each = ids.flatMap(state =>
          [
            { state, code: 'x' },
            { state, ...refused },
          ].map(fields =>
            queries({
              path: '/auth/callback',
              fields,
              also: ['iss', 'session_state', 'client_info'],
              headers: mostly(headers, forged),
            }),
          ),
        );
        return { requests: fc.oneof(...each) };
      },
      cameThrough: isRedirect,
    },
    'auth-front-channel-logout': {
      next: always(queries({ path: '/auth/front-channel-logout', fields: { sid: randomUUID(), iss: rig.entra.url } })),
      cameThrough: isPage,
    },
    'auth-interaction': {
      next: async () => {
        const { ids, headers } = await begin(1);
        const shape = { path: '/auth/interaction', fields: { id: ids[0] ?? '' }, headers: mostly(headers, forged) };
        return { requests: fc.oneof(queries(shape), forms({ ...shape, fields: { ...shape.fields, decision: 'x' } })) };
      },
    },
    'auth-login': {
      next: async () => {
        const { ids, headers } = await begin(1);
        const fields = { signin: ids[0] ?? '', prompt: 'x', to: 'account' };
        return { requests: queries({ path: '/auth/login', fields, headers: mostly(headers, forged) }) };
      },
      cameThrough: isRedirect,
    },
    'auth-logout': { next: pageOf('/auth/logout', ['x', 'end-all'], { person: 'x' }), cameThrough: isPage },
    'authorization-server': wellKnown('oauth-authorization-server'),
    gateway: {
      next: always(messages('/closed/mcp', gateway.tokens.access_token, proof)),
      cameThrough: ({ status }) => status === 502,
      isOutage: ({ body }) => body.startsWith('{"jsonrpc":"2.0"') && body.includes('The server closed '),
    },
    health: document('/health'),
    'health-ready': document('/health/ready'),
    jwks: wellKnown('jwks.json'),
    landing: {
      next: pageOf('/', ['issue-token', 'end-token', 'x'], { scope: 'notes:read' }),
      cameThrough: answer => answer.body.includes('Grace'),
    },
    manage: {
      // What names nobody does nothing.
      next: pageOf('/manage', ['end-grant', 'end-person', 'end-client', 'block', 'unblock', 'x'], {
        person: `${randomUUID()}.${randomUUID()}`,
        client: randomUUID(),
        grant_id: 'A'.repeat(22),
        show: 'x',
      }),
      cameThrough: answer => isRedirect(answer) || answer.status === 200,
    },
    mcp: { next: always(messages('/mcp', tokens.access_token, proof)), cameThrough: isPage },
    'oauth-authorize': { next: authorize, cameThrough: ({ body }) => body.includes('name="request"') },
    'oauth-consent': {
      next: async () => {
        const { sealed, headers } = await consentPage();
        const fields = { request: sealed, decision: 'approve', scope: 'profile' };
        const others = HEADER.map((text): Fields => ({ ...headers, 'sec-fetch-site': text, origin: text }));
        return { requests: forms({ path: '/oauth/consent', fields, headers: mostly(headers, forged, others) }) };
      },
      cameThrough: isRedirect,
    },
    'oauth-introspect': {
      next: always(
        forms({
          path: '/oauth/introspect',
          fields: { token: tokens.access_token, ...API },
          also: CLIENT_MEMBERS,
          headers: mostly({}, AUTHORIZATION),
        }),
      ),
      cameThrough: ({ body }) => body.includes('"active":true'),
    },
    'oauth-register': { next: always(registrations()), cameThrough: ({ status }) => status === 201 },
    'oauth-revoke': {
      next: async () => {
        const { tokens: own } = await connect(rig, 'ada', {}, client);
        const each = [own.refresh_token, own.access_token].map(token =>
          forms({
            path: '/oauth/revoke',
            fields: { token, client_id: client.client_id, token_type_hint: 'refresh_token' },
            also: CLIENT_MEMBERS,
            headers: mostly({}, AUTHORIZATION),
          }),
        );
        return { requests: fc.oneof(...each) };
      },
      cameThrough: isPage,
    },
    'oauth-token': { next: redeemAndRenew, cameThrough: ({ body }) => body.includes('access_token') },
    'openid-configuration': wellKnown('openid-configuration'),
    'protected-resource': wellKnown('oauth-protected-resource'),
    'protected-resource-mcp': wellKnown('oauth-protected-resource/mcp'),
    'protected-resource-of-gateway': wellKnown('oauth-protected-resource/closed/mcp'),
    'zz-not-found': {
      next: always(
        NASTY.map((text): Sent => ({ path: `/x/${text.toWellFormed().replaceAll('#', '').replaceAll('\\', '')}` })),
      ),
      cameThrough: ({ status }) => status === 404,
      share: FEW,
    },
  };
}
