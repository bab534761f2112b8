/** What Application Insights is told: a whole sign-in on two instances, calls, refusals and an outage; and what it is not. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Browser } from '../../dev/browser/index.ts';
import { type AppServer, newSecret, startAppServer } from '../support/app-server.ts';
import {
  approveAndSignIn,
  authorizationUrl,
  callTool,
  claimsOf,
  codeForm,
  connect,
  obtainCode,
  refreshForm,
  register,
  token,
} from '../support/flows.ts';
import { type Insights, startInsights } from '../support/insights.ts';

const JWT_SECRET_KEY = newSecret();
let insights: Insights;
let server: AppServer;

beforeAll(async () => {
  insights = await startInsights();
  server = await startAppServer({ instances: 2, settings: { ...insights.settings, JWT_SECRET_KEY } });
  // Tables are made at their first use, and each instance reads the list of revocations.
  for (const person of ['ada', 'grace'] as const) {
    const { tokens } = await connect(server, person);
    for (let call = 0; call < 3; call++) await callTool(server, tokens.access_token, 'get_user_notes', {});
  }
});
afterAll(async () => {
  await server.stop();
  await insights[Symbol.asyncDispose]();
});

/** What leaves while `work` runs, and nothing of before. */
async function told<T>(work: () => Promise<T>): Promise<T> {
  await flush();
  insights.bodies.length = 0;
  const result = await work();
  await flush();
  return result;
}
const flush = () => Promise.all(server.apps.map(app => app.flush()));
const propertiesOf = (name: string) =>
  insights
    .spans()
    .filter(({ data }) => data.baseData.name === name)
    .map(({ data }) => data.baseData.properties);

test('a sign-in is one trace over its redirects and two instances, and its whole tells how long the person took', async () => {
  const client = await register(server);
  await told(() => connect(server, 'ada', {}, client));
  const steps = insights.spans();
  const names = steps.map(({ data }) => data.baseData.name).sort();
  expect(names).toEqual(['authorize', 'callback', 'consent', 'sign-in', 'token']);
  expect(new Set(steps.map(({ tags }) => tags['ai.operation.id'])).size).toBe(1);
  const whole = steps.find(({ data }) => data.baseData.name === 'sign-in');
  for (const step of steps) {
    if (step !== whole) expect(step.tags['ai.operation.parentId']).toBe(whole?.data.baseData.id);
    expect(step.data.baseData.properties.client).toBe(client.client_id);
  }
  expect(whole?.tags).not.toHaveProperty(['ai.operation.parentId']);
  const trips = steps.map(({ data }) => Number(data.baseData.properties.storage_trips ?? 0));
  // Its first token marks a client as used.
  expect(trips.reduce((sum, each) => sum + each, 0)).toBeLessThanOrEqual(9);
  expect(propertiesOf('callback')[0]).toMatchObject({ status: '303', storage_trips: '2' });
  expect(insights.counted('sign_ins')).toEqual({ client: 1 });

  await told(() => connect(server, 'ada', {}, client));
  const [other] = insights.spans();
  expect(other?.tags['ai.operation.id']).not.toBe(whole?.tags['ai.operation.id']);
});

test('a call tells its method, tool, person by a keyed hash, client, status and trips', async () => {
  const { client, tokens } = await connect(server);
  const calls = await told(async () => {
    await callTool(server, tokens.access_token, 'calculate_sum', { numbers: [1, 2] });
    await callTool(server, tokens.access_token, 'get_user_notes', {});
    await callTool(server, tokens.access_token, 'get_user_notes', { limit: 'many' });
    await callTool(server, tokens.access_token, 'drop_everything', {});
    return insights;
  });
  const [sum] = propertiesOf('mcp tools/call calculate_sum');
  expect(sum).toMatchObject({
    method: 'tools/call',
    tool: 'calculate_sum',
    client: client.client_id,
    status: '200',
    person: expect.stringMatching(/^[\w-]{22}$/),
  });
  const notes = propertiesOf('mcp tools/call get_user_notes');
  expect(notes.find(({ error }) => !error)).toMatchObject({ storage_trips: '1', person: sum?.person });
  expect(notes.find(({ error }) => error)).toMatchObject({ error: 'tool', storage_trips: '0' });
  // A name of the sender's own making goes no further.
  expect(propertiesOf('mcp tools/call unknown')).toHaveLength(1);
  expect(calls.bodies.join()).not.toContain('drop_everything');

  const { tokens: other } = await connect(server, 'grace');
  await told(() => callTool(server, other.access_token, 'calculate_sum', { numbers: [1] }));
  expect(propertiesOf('mcp tools/call calculate_sum')[0]?.person).not.toBe(sum?.person);
});

test('a call is in the trace that its log lines name', async () => {
  const { tokens } = await connect(server);
  await told(() => callTool(server, tokens.access_token, 'calculate_sum', { numbers: [1] }));
  const [call] = insights.spans();
  expect(call?.tags['ai.operation.id']).toBe(call?.data.baseData.properties.correlation_id);
});

test('renewals, denials and revocations are counted, each by its kind', async () => {
  const { client, tokens } = await connect(server);
  await told(async () => {
    await token(server, refreshForm(client, tokens.refresh_token));
    await token(server, refreshForm(client, tokens.refresh_token));
    server.clock.advance(60);
    const late = await token(server, refreshForm(client, tokens.refresh_token));
    expect(late.body.error).toBe('invalid_grant');

    const browser = new Browser();
    const page = await browser.open(authorizationUrl(server, client).url);
    await browser.submit(page, { button: 'decision=deny', stopAt: url => url.startsWith('http://localhost:33418') });
    await approveAndSignIn(new Browser(), authorizationUrl(server, client).url, 'cancel');
  });
  expect(insights.counted('renewals')).toEqual({ '': 1, again: 1 });
  expect(insights.counted('revocations')).toEqual({ 'refresh token reused': 1 });
  expect(insights.counted('denials')).toEqual({ 'by the person': 1, 'at sign-in': 1 });
  expect(propertiesOf('token').filter(({ error }) => error)).toEqual([
    expect.objectContaining({ error: 'invalid_grant', status: '400', client: client.client_id }),
  ]);
  expect(propertiesOf('callback')).toEqual([expect.objectContaining({ error: 'access_denied' })]);
});

test('a purge is counted, and sent before it is over', async () => {
  await flush();
  insights.bodies.length = 0;
  await server.apps[0]?.purge();
  expect(insights.counted('purges')).toEqual({ '': 1 });
});

test('nothing secret leaves', async () => {
  await flush();
  insights.bodies.length = 0;
  const secret = await register(server, { token_endpoint_auth_method: 'client_secret_post' });
  const client = await register(server);
  const browser = new Browser();
  const code = await obtainCode(server, client, 'ada', { state: 'a-state-of-the-client' }, browser);
  const { body: tokens } = await token(server, codeForm(client, code));
  await token(server, { ...codeForm(client, code), code_verifier: 'wrong'.repeat(10) });
  const { body: renewed } = await token(server, refreshForm(client, tokens.refresh_token));
  await callTool(server, renewed.access_token, 'save_user_note', { note: 'a note to nobody else' });
  await callTool(server, 'no-token-at-all', 'save_user_note', { note: 'a note to nobody else' });
  await token(server, refreshForm(secret, 'rt.not-a-refresh-token'));
  await token(server, { ...refreshForm(secret, 'x'), client_secret: secret.client_secret });
  await flush();

  const { sub, name, email } = claimsOf(tokens.access_token) as Record<string, unknown>;
  const [tenant = '', object = ''] = String(sub).split('.');
  const signin = code.code.split('.').slice(1, -1).join('.');
  const rowKey = signin.split('.').at(-1) ?? signin;
  const secrets = {
    code: code.code,
    signin,
    rowKey,
    verifier: code.verifier,
    state: code.state,
    sentState: 'a-state-of-the-client',
    accessToken: tokens.access_token,
    signature: tokens.access_token.split('.')[2] ?? '',
    refreshToken: tokens.refresh_token,
    renewed: renewed.refresh_token,
    clientSecret: secret.client_secret ?? '',
    key: JWT_SECRET_KEY,
    note: 'a note to nobody else',
    person: object,
    tenant,
    name: String(name),
    email: String(email),
    wrongToken: 'no-token-at-all',
  };
  const all = insights.bodies.join();
  expect(insights.spans().length).toBeGreaterThan(8);
  for (const [what, value] of Object.entries(secrets)) {
    expect(value.length, what).toBeGreaterThan(2);
    expect(all, what).not.toContain(value);
  }
  // Nor anything that was not thought of: every value is of a kind that is known.
  const values = insights.spans().flatMap(({ data }) => Object.entries(data.baseData.properties));
  const known: Record<string, RegExp> = {
    status: /^\d{3}$/,
    storage_trips: /^\d+$/,
    correlation_id: /^[0-9a-f]{32}$/,
    person: /^[\w-]{22}$/,
    client: /^(pc|cc)\.[\w-]{22,43}$/,
    method: /^tools\/call$/,
    tool: /^save_user_note$/,
    error: /^[a-z_]+$/,
  };
  for (const [property, value] of values) expect(value, property).toMatch(known[property] ?? /^$/);
});

test('where it does not answer, requests are served as ever', async () => {
  insights.status = 503;
  const { tokens } = await connect(server);
  const { status } = await callTool(server, tokens.access_token, 'calculate_sum', { numbers: [1, 2] });
  expect(status).toBe(200);
  await flush();
  expect(server.logLines.filter(line => line.includes('telemetry not sent'))).not.toEqual([]);
  insights.status = 200;
});
