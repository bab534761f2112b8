import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { badProofs } from '../../support/bad-proofs.ts';
import {
  AUTHORIZATION,
  type Fields,
  forms,
  HEADER,
  NASTY,
  NOISE,
  queries,
  type Sent,
  URIS,
  withMember,
} from '../../support/broken-requests.ts';
import { authorizationUrl, codeForm, connect, obtainCode, refreshForm } from '../../support/flows.ts';
import { type Answer, createLoadClient } from '../rig/load.ts';
import type { Rig } from '../rig/rig.ts';
import { figure, promise, type Scenario } from '../rig/scenario.ts';

const EACH = 10_000;
const SLOWEST = 1000;
const CONNECTIONS = 16;

interface Target {
  readonly requests: fc.Arbitrary<Sent>;
  /** Whether an answer let somebody past PKCE. */
  readonly skipsPkce?: (sent: Sent, answer: Answer) => boolean;
}

export default {
  number: 20,
  title: `${EACH.toLocaleString('en')} mutated requests at each endpoint`,
  group: 'Bad input',
  seconds: { whole: 300, short: 30 },
  async run({ rig: startRig, short, seed, progress, signal }) {
    const each = short ? 250 : EACH;
    const hash = createHash('sha256').update('secret').digest('hex');
    const named = [
      { client_id: 'api', client_secret_sha256: hash, introspection: true },
      { client_id: 'portal', redirect_uris: ['http://localhost:33418/callback'] },
    ];
    const settings = { LOG_LEVEL: 'warn', MCP_RATE_LIMIT: '0', PREREGISTERED_CLIENTS: JSON.stringify(named) };
    const rig = await startRig({ settings });
    const targets = await targetsOf(rig);
    const client = createLoadClient(CONNECTIONS);
    const faults: string[] = [];
    const skipped: string[] = [];
    let slowest = 0;
    let done = 0;
    for (const [path, { requests, skipsPkce }] of Object.entries(targets)) {
      const queue = fc.sample(requests, { seed: seed | 0, numRuns: each });
      await Promise.all(
        Array.from({ length: CONNECTIONS }, async () => {
          for (let sent = queue.pop(); sent && !signal.aborted; sent = queue.pop()) {
            progress(`${path}: ${queue.length} to go`);
            const { url } = rig.instances[done++ % rig.instances.length] ?? rig.instance;
            const answer = await client.send(callOf(url, sent));
            slowest = Math.max(slowest, answer.ms);
            // Node itself sends no answer to what it cannot read as HTTP, which is none of these.
            if (answer.status === 0 || answer.status >= 500)
              faults.push(`${answer.status} for ${JSON.stringify(sent)}`);
            if (skipsPkce?.(sent, answer)) skipped.push(JSON.stringify(sent));
          }
        }),
      );
    }
    client.close();
    for (const text of [...faults, ...skipped].slice(0, 5)) console.error(text.slice(0, 2000));
    const slow = `${slowest.toFixed(0)} ms`;
    return {
      rows: [
        promise('answers 5xx, or none', `${faults.length} of ${done}`, '0', faults.length === 0),
        promise('PKCE skipped', skipped.length, '0', skipped.length === 0),
        short ? figure('slowest', slow) : promise('slowest', slow, `<= ${SLOWEST} ms`, slowest <= SLOWEST),
      ],
    };
  },
} satisfies Scenario;

/** Node refuses to send what is no header and no path; what is left is still bad enough. */
function callOf(origin: string, { method = 'GET', path, headers = {}, body }: Sent) {
  const url = `${origin}${encodeURI(path.toWellFormed()).replaceAll('%25', '%')}`;
  const clean = Object.entries(headers).map(([name, value]) => [name, value.replace(/[^\x20-\x7e]/g, '?')]);
  return {
    url,
    method,
    headers: Object.fromEntries(clean) as Record<string, string>,
    ...(body === undefined ? {} : { body }),
  };
}

async function targetsOf(rig: Rig): Promise<Record<string, Target>> {
  const { client, tokens } = await connect(rig);
  const unspent = await obtainCode(rig, client);
  const portal = authorizationUrl(rig, { client_id: 'portal' });
  const page = await fetch(portal.url);
  const cookie = page.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const sealed = /name="request" value="([^"]+)"/.exec(await page.text())?.[1] ?? '';
  const proofs = await badProofs(`${rig.origin}/oauth/token`, Math.floor(Date.now() / 1000));

  const cookies: fc.Arbitrary<Fields> = fc.oneof(
    fc.constant({ cookie }),
    HEADER.map((value): Fields => ({ cookie: `mcp-session-${new URL(rig.origin).port}=${value}` })),
  );
  const proof: fc.Arbitrary<Fields> = fc.nat(100).map((n): Fields => ({ dpop: proofs[n % proofs.length] ?? '' }));
  const both = fc.tuple(AUTHORIZATION, proof).map(pair => Object.assign({}, ...pair) as Fields);
  const ofClient = ['client_id', 'client_secret', 'client_assertion', 'client_assertion_type'];
  const fields = (of: object) => of as Fields;

  const authorization = Object.fromEntries(new URL(portal.url).searchParams);
  const code = { ...codeForm(client, unspent), resource: rig.mcpUrl };
  const renewal = { ...refreshForm(client, tokens.refresh_token), scope: 'notes:read' };
  return {
    '/oauth/authorize': {
      requests: queries({
        path: '/oauth/authorize',
        fields: authorization,
        also: ['prompt', 'request'],
        headers: cookies,
      }),
      skipsPkce: ({ path }, { status, body }) => {
        if (status !== 200 || !body.includes('name="request"')) return false;
        const { searchParams } = new URL(path, rig.origin);
        return (
          searchParams.getAll('code_challenge').join() !== authorization.code_challenge ||
          searchParams.getAll('code_challenge_method').join() !== 'S256'
        );
      },
    },
    '/oauth/consent': {
      requests: forms({
        path: '/oauth/consent',
        fields: { request: sealed, decision: 'approve', scope: 'x' },
        headers: fc.oneof(fc.constant({ cookie, 'sec-fetch-site': 'same-origin' }), cookies),
      }),
    },
    '/auth/login': {
      requests: queries({
        path: '/auth/login',
        fields: { signin: 'x'.repeat(28), prompt: 'x' },
        headers: cookies,
      }).filter(({ path }) => /[?&]signin=[^&]/.test(path)),
    },
    '/auth/callback': {
      requests: queries({
        path: '/auth/callback',
        fields: { state: 'x'.repeat(28), code: 'x' },
        also: ['iss'],
        headers: cookies,
      }),
    },
    '/oauth/token': {
      requests: fc.oneof(
        ...[code, renewal].map(each =>
          forms({ path: '/oauth/token', fields: fields(each), also: ofClient, headers: both }),
        ),
      ),
      skipsPkce: ({ body }, { status, body: answer }) => {
        if (status !== 200 || !answer.includes('access_token')) return false;
        const form = new URLSearchParams(String(body));
        return (
          form.get('grant_type') === 'authorization_code' && form.getAll('code_verifier').join() !== unspent.verifier
        );
      },
    },
    '/oauth/revoke': {
      requests: forms({
        path: '/oauth/revoke',
        fields: { token: 'x', client_id: 'x' },
        also: ofClient,
        headers: AUTHORIZATION,
      }),
    },
    '/oauth/introspect': {
      requests: forms({
        path: '/oauth/introspect',
        fields: { token: tokens.access_token, client_id: 'api', client_secret: 'secret' },
        also: ofClient,
        headers: AUTHORIZATION,
      }),
    },
    '/oauth/register': { requests: registrations() },
    '/account': { requests: queries({ path: '/account', fields: { show: 'notes', from: 'x' }, headers: cookies }) },
    '/': { requests: forms({ path: '/', fields: { csrf: 'x', action: 'issue-token', scope: 'x' }, headers: cookies }) },
    '/mcp': { requests: messages(tokens.access_token, proof) },
  };
}

function registrations(): fc.Arbitrary<Sent> {
  const members = {
    redirect_uris: ['http://localhost:1/cb'],
    client_name: 'x',
    token_endpoint_auth_method: 'none',
    scope: 'profile',
  };
  const value = fc.oneof(NASTY, fc.jsonValue({ maxDepth: 3 }), fc.array(URIS, { maxLength: 3 }));
  const document = fc
    .tuple(fc.constantFrom('__proto__', 'constructor', ...Object.keys(members)), value)
    .map(([name, bad]) => withMember(members, name, bad));
  return fc.oneof({ weight: 8, arbitrary: document }, { weight: 1, arbitrary: NOISE }).map(body => ({
    method: 'POST',
    path: '/oauth/register',
    headers: { 'content-type': 'application/json' },
    body,
  }));
}

function messages(accessToken: string, proof: fc.Arbitrary<Fields>): fc.Arbitrary<Sent> {
  const value = fc.oneof(NASTY, fc.jsonValue({ maxDepth: 2 }));
  const method = fc.constantFrom(
    'initialize',
    'ping',
    'tools/list',
    'tools/call',
    'resources/read',
    'prompts/get',
    'completion/complete',
    'server/discover',
    'x',
  );
  const params = fc.oneof(
    value,
    fc.record({ name: fc.constantFrom('calculate_sum', 'x'), arguments: value, uri: value, _meta: value }),
  );
  const message = fc
    .tuple(
      method,
      params,
      fc.option(fc.tuple(fc.constantFrom('jsonrpc', 'id', 'method', '__proto__', 'result'), value)),
    )
    .map(([called, given, bad]) => {
      const whole = { jsonrpc: '2.0', id: 1, method: called, params: given };
      return bad ? withMember(whole, ...bad) : JSON.stringify(whole);
    });
  const header = fc.constantFrom(
    'mcp-protocol-version',
    'mcp-session-id',
    'mcp-method',
    'mcp-name',
    'accept',
    'content-type',
    'origin',
  );
  const right = {
    authorization: `Bearer ${accessToken}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  return fc
    .tuple(
      fc.oneof({ weight: 6, arbitrary: message }, { weight: 2, arbitrary: NOISE }),
      fc.option(fc.tuple(header, HEADER)),
      fc.option(proof),
    )
    .map(([body, bad, dpop]) => ({
      method: 'POST',
      path: '/mcp',
      headers: { ...right, ...dpop, ...(bad ? { [bad[0]]: bad[1] } : {}) },
      body,
    }));
}
