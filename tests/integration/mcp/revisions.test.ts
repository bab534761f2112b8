import { beforeAll, describe, expect, test } from 'vitest';
import { freshStorage } from '../../support/azurite.ts';
import { type ProtectedResource, post, startProtectedResource } from '../../support/protected-resource.ts';

/** The revisions that the conformance suite has no list for, over the bare wire, from the handshake to the last method. */
let resource: ProtectedResource;
let token: string;
beforeAll(async () => {
  resource = await startProtectedResource(freshStorage());
  token = await resource.token();
});

/** How a client of each says what it speaks; revision 2025-03-26 has no header for it. */
const CLIENTS: Record<string, { agreed: string; headers: Record<string, string> }> = {
  '2025-06-18': { agreed: '2025-06-18', headers: { 'mcp-protocol-version': '2025-06-18' } },
  '2025-03-26': { agreed: '2025-03-26', headers: {} },
};

type Message = Record<string, unknown>;

/** Sends one body and gives the messages of its answer, in their order. */
async function send(body: object, headers: Record<string, string> = {}): Promise<{ status: number; said: Message[] }> {
  const response = await post(resource, token, body, headers);
  const text = await response.text();
  const events = text.split('\n').flatMap(line => (line.startsWith('data: ') ? [JSON.parse(line.slice(6))] : []));
  return { status: response.status, said: events.length > 0 || text === '' ? events : [JSON.parse(text)] };
}

const request = (method: string, params: object = {}, id = 1) => ({ jsonrpc: '2.0', id, method, params });

/** Every method that a client of an older revision may use here, with what its result holds. */
async function walk(headers: Record<string, string>): Promise<void> {
  const ask = async (method: string, params: object = {}) => {
    const { status, said } = await send(request(method, params), headers);
    expect(status, method).toBe(200);
    expect(said, method).toHaveLength(1);
    return said[0]?.result as Message;
  };
  expect(await ask('ping')).toEqual({});
  expect(await ask('logging/setLevel', { level: 'info' })).toEqual({});
  expect(await ask('tools/list')).toMatchObject({
    tools: expect.arrayContaining([expect.objectContaining({ name: 'save_user_note' })]),
  });
  const saved = await ask('tools/call', { name: 'save_user_note', arguments: { note: 'kept' } });
  expect(saved).toMatchObject({ content: [{ type: 'text' }], structuredContent: { repeated: false } });
  const { id } = saved.structuredContent as { id: string };
  const uri = `note://${id}`;
  expect(await ask('resources/templates/list')).toMatchObject({ resourceTemplates: [{ uriTemplate: 'note://{id}' }] });
  expect(await ask('resources/list')).toMatchObject({ resources: [{ uri, title: 'kept' }] });
  expect(await ask('resources/read', { uri })).toEqual({ contents: [{ uri, mimeType: 'text/plain', text: 'kept' }] });
  expect(await ask('resources/subscribe', { uri })).toEqual({});
  expect(await ask('resources/unsubscribe', { uri })).toEqual({});
  expect(await ask('prompts/list')).toMatchObject({ prompts: [{ name: 'summarize_notes' }] });
  expect(await ask('prompts/get', { name: 'summarize_notes' })).toMatchObject({
    messages: [{}, { content: { type: 'resource' } }],
  });
  const ref = { type: 'ref/resource', uri: 'note://{id}' };
  expect(await ask('completion/complete', { ref, argument: { name: 'id', value: id.slice(0, 6) } })).toEqual({
    completion: { values: [id], hasMore: false },
  });
  expect(await ask('tools/call', { name: 'delete_user_note', arguments: { id } })).toMatchObject({
    structuredContent: { deleted: true },
  });
  // What came with later revisions is not said to those before.
  expect(JSON.stringify(await ask('tools/list'))).not.toMatch(/resultType|ttlMs|serverInfo/);
}

describe.each(Object.entries(CLIENTS))('a client of %s', (_name, { agreed, headers }) => {
  test('goes from the handshake to the last method', async () => {
    const hello = { protocolVersion: agreed, capabilities: {}, clientInfo: { name: 'test', version: '1' } };
    const { said } = await send(request('initialize', hello));
    expect(said).toMatchObject([
      { result: { protocolVersion: agreed, capabilities: { prompts: {}, completions: {} } } },
    ]);
    const initialized = await send({ jsonrpc: '2.0', method: 'notifications/initialized' }, headers);
    expect(initialized).toEqual({ status: 202, said: [] });
    await walk(headers);
  });

  test('is told of what is not there', async () => {
    expect(await send(request('tasks/list'), headers)).toMatchObject({ said: [{ error: { code: -32601 } }] });
    expect(await send(request('server/discover'), headers)).toMatchObject({ said: [{ error: { code: -32601 } }] });
  });
});

test('a client of 2025-03-26 sends a batch, and has an answer to each of its requests', async () => {
  const batch = [
    request('tools/list', {}, 1),
    { jsonrpc: '2.0', method: 'notifications/initialized' },
    request('tools/call', { name: 'calculate_sum', arguments: { numbers: [1, 2] } }, 2),
    request('prompts/list', {}, 3),
    request('no/such', {}, 4),
  ];
  const { said } = await send(batch);
  const byId = Object.fromEntries(said.map(message => [message.id, message]));
  expect(byId).toMatchObject({
    1: { result: { tools: expect.any(Array) } },
    2: { result: { structuredContent: { sum: 3 } } },
    3: { result: { prompts: expect.any(Array) } },
    4: { error: { code: -32601 } },
  });
});

test('a client that sends no version at all, and no handshake, is served', () => walk({}));

test('a version that nobody knows is 400, with those that are served', async () => {
  const { status, said } = await send(request('tools/list'), { 'mcp-protocol-version': '1999-01-01' });
  expect([status, JSON.stringify(said)]).toEqual([400, expect.stringContaining('2025-06-18')]);
});
