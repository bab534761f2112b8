import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { UnavailableError } from '../../../src/http/errors.ts';
import { defineTool } from '../../../src/mcp/define-tool.ts';
import { freshStorage } from '../../support/azurite.ts';
import { messages, modern } from '../../support/mcp-messages.ts';
import {
  call,
  everything,
  METADATA_URL,
  noDownstream,
  type ProtectedResource,
  post,
  RESOURCE,
  startProtectedResource,
} from '../../support/protected-resource.ts';
import { countTrips } from '../../support/storage-faults.ts';

const nowhere = {
  connectionString: 'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;TableEndpoint=http://127.0.0.1:1/a;',
};

describe('the order of checks', () => {
  test('a preflight is answered before anything else', async () => {
    const resource = await startProtectedResource(nowhere);
    const response = await resource.fetch(RESOURCE, { method: 'OPTIONS', headers: { origin: 'http://evil.example' } });
    expect(response.status).toBe(204);
    expect(response.headers.get('access-control-allow-methods')).toBe('POST, OPTIONS');
    expect(response.headers.get('access-control-allow-headers')).toContain('Authorization');
  });

  test.each(['http://evil.example', 'null', 'nonsense', ''])(
    'RS-52: the origin "%s" is refused before the token',
    async origin => {
      const resource = await startProtectedResource(nowhere);
      const response = await post(resource, undefined, call('get_server_info'), { origin });
      expect(response.status).toBe(403);
      expect(response.headers.get('www-authenticate')).toBeNull();
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
    },
  );

  test.each(['GET', 'HEAD', 'POST', 'DELETE', 'PUT'])(
    'RS-30, RS-31, RS-33, RS-34: %s without a token is 401',
    async method => {
      const resource = await startProtectedResource(nowhere);
      const response = await resource.fetch(RESOURCE, { method });
      expect(response.status).toBe(401);
      expect(response.headers.get('www-authenticate')).toBe(
        `Bearer resource_metadata="${METADATA_URL}", scope="profile notes:read notes:write"`,
      );
      expect(response.headers.get('access-control-allow-origin')).toBe('*');
      expect(response.headers.get('access-control-expose-headers')).toContain('WWW-Authenticate');
      if (method === 'HEAD') expect(await response.text()).toBe('');
    },
  );

  test.each(['GET', 'HEAD', 'DELETE', 'PUT'])('%s with a token is 405', async method => {
    const resource = await startProtectedResource(nowhere);
    const response = await resource.fetch(RESOURCE, {
      method,
      headers: { authorization: `Bearer ${await resource.token()}` },
    });
    expect(response.status).toBe(405);
    expect(response.headers.get('allow')).toBe('POST, OPTIONS');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
  });

  test('RS-41: whatever is asked, the answer without authorization is the same', async () => {
    const resource = await startProtectedResource(nowhere);
    const asked = [
      '{',
      '[]',
      call('save_user_note'),
      call('no_such_tool'),
      { method: 'subscriptions/listen' },
      'x'.repeat(2 ** 21),
    ];
    const answers = await Promise.all(
      asked.map(async body => {
        const response = await post(resource, undefined, body);
        return [response.status, [...response.headers], await response.text()];
      }),
    );
    for (const answer of answers) expect(answer).toEqual(answers[0]);
  });

  test('RS-35: a token in the query counts for nothing', async () => {
    const resource = await startProtectedResource(nowhere);
    const response = await resource.fetch(`${RESOURCE}?access_token=${await resource.token()}`, { method: 'POST' });
    expect(response.status).toBe(401);
    expect(response.headers.get('www-authenticate')).not.toContain('error=');
  });

  test('subscriptions/listen is 404 and method not found, with the id, after authorization', async () => {
    const resource = await startProtectedResource(nowhere);
    const { body, headers } = modern({ method: 'subscriptions/listen', params: { notifications: {} } });
    const response = await post(resource, await resource.token({ scopes: [] }), body, headers);
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({ id: 1, error: { code: -32601 } });
  });

  test('nothing is announced that a client could listen for', async () => {
    const resource = await startProtectedResource(nowhere);
    const { body, headers } = modern({ method: 'server/discover' });
    const [answer] = await messages(await post(resource, await resource.token(), body, headers));
    expect(answer).toMatchObject({
      result: { capabilities: { tools: { listChanged: false }, resources: { listChanged: false } } },
    });
  });
});

describe('scopes', () => {
  const cases: [string, Record<string, unknown>, string, string][] = [
    ['a tool that needs profile', call('get_user_profile'), 'notes:read', 'profile notes:read'],
    ['a tool that reads', call('get_user_notes'), 'profile', 'profile notes:read'],
    ['a tool that writes', call('save_user_note', { note: 'n' }), 'notes:read', 'notes:read notes:write'],
    ['the list of resources', { jsonrpc: '2.0', id: 1, method: 'resources/list' }, '', 'notes:read'],
    ['a resource', { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: 'note://x' } }, '', 'notes:read'],
    ['the resource templates', { jsonrpc: '2.0', id: 1, method: 'resources/templates/list' }, '', 'notes:read'],
  ];

  test.each(cases)('RS-43, RS-44: %s', async (_what, message, granted, wanted) => {
    const resource = await startProtectedResource(nowhere);
    const scopes = everything.filter(scope => granted.split(' ').includes(scope));
    const response = await post(resource, await resource.token({ scopes }), message);
    expect(response.status).toBe(403);
    const challenge = response.headers.get('www-authenticate');
    expect(challenge).toContain('error="insufficient_scope"');
    expect(challenge).toContain(`scope="${wanted}"`);
    expect(challenge).toContain(`resource_metadata="${METADATA_URL}"`);
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    expect(await response.json()).toMatchObject({ error: 'insufficient_scope' });
  });

  test('RS-43: the newest revision is refused alike', async () => {
    const resource = await startProtectedResource(nowhere);
    const { body, headers } = modern({ method: 'tools/call', params: { name: 'get_user_profile', arguments: {} } });
    expect((await post(resource, await resource.token({ scopes: [] }), body, headers)).status).toBe(403);
  });

  test('RS-47: who may write may read', async () => {
    const resource = await startProtectedResource(freshStorage());
    const response = await post(resource, await resource.token({ scopes: ['notes:write'] }), call('get_user_notes'));
    expect(await messages(response)).toMatchObject([{ result: { structuredContent: { notes: [] } } }]);
  });

  test.each(['calculate_sum', 'get_server_info'])('%s needs none', async name => {
    const resource = await startProtectedResource(freshStorage());
    const response = await post(resource, await resource.token({ scopes: [] }), call(name, { numbers: [1, 2] }));
    expect(await messages(response)).toMatchObject([{ result: { structuredContent: {} } }]);
  });

  test('one call short of scope refuses its whole batch before anything runs', async () => {
    const storage = freshStorage();
    const resource = await startProtectedResource(storage);
    const token = await resource.token({ scopes: ['notes:write'] });
    const batch = [call('save_user_note', { note: 'n' }, 1), call('get_user_profile', {}, 2)];
    expect((await post(resource, token, batch)).status).toBe(403);
    const [notes] = await messages(await post(resource, token, call('get_user_notes')));
    expect(notes).toMatchObject({ result: { structuredContent: { notes: [] } } });
  });

  test('a batch of calls that all may run is served', async () => {
    const resource = await startProtectedResource(freshStorage());
    const batch = [call('calculate_sum', { numbers: [1] }, 1), call('calculate_sum', { numbers: [2] }, 2)];
    const answers = await messages(await post(resource, await resource.token(), batch));
    expect(answers.map(answer => answer.id).sort()).toEqual([1, 2]);
  });
});

describe('the body', () => {
  test.each([
    ['no JSON', '{', 400],
    ['lenient JSON', "{'jsonrpc':'2.0'}", 400],
    ['nothing', '', 400],
    ['a key that replaces the headers', '{"Headers":{}}', 400],
    ['no message', '{"a":1}', 400],
    ['null', 'null', 400],
    ['an empty batch', '[]', 400],
    ['too much', `"${'x'.repeat(1024 * 1024)}"`, 413],
  ])('%s is refused', async (_what, body, status) => {
    const resource = await startProtectedResource(nowhere);
    const response = await post(resource, await resource.token(), body);
    expect(response.status).toBe(status);
    expect(await response.json()).toMatchObject({ jsonrpc: '2.0', error: { code: expect.any(Number) } });
  });

  test('of another content type is refused', async () => {
    const resource = await startProtectedResource(nowhere);
    const response = await post(resource, await resource.token(), call('get_server_info'), {
      'content-type': 'text/plain',
    });
    expect(response.status).toBe(415);
  });

  const methods = [
    'tools/call',
    'resources/read',
    'resources/list',
    'resources/templates/list',
    'tools/list',
    'prompts/list',
    'prompts/get',
    'completion/complete',
    'ping',
    'x',
  ];
  const names = [
    'save_user_note',
    'get_user_notes',
    'get_user_profile',
    'calculate_sum',
    'summarize_notes',
    'constructor',
    '__proto__',
  ];
  const anything = fc.jsonValue({ maxDepth: 2 });
  const message = fc.record({
    jsonrpc: fc.constant('2.0'),
    id: fc.oneof(fc.integer(), fc.string()),
    method: fc.constantFrom(...methods),
    params: fc.record({
      name: fc.constantFrom(...names),
      uri: fc.constant(`note://${'0'.repeat(16)}r${'0'.repeat(32)}`),
      arguments: fc.constant({ note: 'n', numbers: [1] }),
      ref: fc.constantFrom(
        { type: 'ref/resource', uri: 'note://{id}' },
        { type: 'ref/prompt', name: 'summarize_notes' },
        { type: 'ref/x', uri: 1 },
      ),
      argument: fc.constant({ name: 'id', value: '' }),
      cursor: fc.constantFrom(undefined, 'x', 1),
    }),
  });
  /** A message with one of its members gone, or replaced. */
  const bent = fc
    .tuple(message, fc.constantFrom('jsonrpc', 'id', 'method', 'params', '__proto__'), fc.option(anything))
    .map(([whole, member, value]) => {
      const { [member as 'id']: _gone, ...rest } = whole;
      return value === null
        ? rest
        : JSON.parse(JSON.stringify(rest).replace(/}$/, `,"${member}":${JSON.stringify(value)}}`));
    });
  const single = fc.oneof({ weight: 3, arbitrary: message }, { weight: 2, arbitrary: bent }, anything);
  const body = fc.oneof(
    single,
    fc.array(single, { maxLength: 4 }),
    fc.array(fc.array(single, { maxLength: 2 }), { maxLength: 2 }),
  );

  test('however bent, never fails the server, and never gets at a note without the scope', async () => {
    const { accountName, connectionString } = freshStorage();
    const resource = await startProtectedResource({ connectionString });
    const token = await resource.token({ scopes: [] });
    const send = async (bytes: unknown, headers: Record<string, string> = {}) => {
      const response = await post(resource, token, bytes, headers);
      const answers = await messages(response);
      expect(response.status).toBeLessThan(500);
      const text = JSON.stringify(answers);
      expect(text).not.toContain('-32603');
      expect(text).not.toContain('ada@example.com');
      expect(text).not.toContain('uriTemplate');
    };
    const { trips } = await countTrips(accountName, async () => {
      await fc.assert(
        fc.asyncProperty(body, bytes => send(bytes)),
        { seed: 1, numRuns: 400 },
      );
      await fc.assert(
        fc.asyncProperty(message, whole => {
          const newest = modern(whole);
          return send(newest.body, newest.headers);
        }),
        { seed: 1, numRuns: 100 },
      );
    });
    expect(trips).toBe(0);
  });
});

describe('faults', () => {
  const down = {
    notes: {
      save: fail,
      page: fail,
      read: fail,
      remove: fail,
    },
    storageAnswers: async () => false,
    ...noDownstream,
  };
  async function fail(): Promise<never> {
    throw new UnavailableError('storage', new Error('ECONNREFUSED 10.1.2.3'));
  }

  async function expect503(response: Response, id: number | null) {
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(response.headers.get('access-control-allow-origin')).toBe('*');
    const text = await response.text();
    expect(text).not.toContain('10.1.2.3');
    expect(JSON.parse(text)).toMatchObject({
      id,
      error: { code: -32603, message: expect.stringContaining('Try again') },
    });
  }

  test.each([
    ['a tool', { method: 'tools/call', params: { name: 'get_user_notes', arguments: {} } }],
    ['a resource', { method: 'resources/read', params: { uri: 'note://x' } }],
    ['the list of resources', { method: 'resources/list', params: {} }],
  ])('storage down: %s is 503, in both eras', async (_what, message) => {
    const resource = await startProtectedResource(nowhere, { services: down });
    const token = await resource.token();
    await expect503(await post(resource, token, { jsonrpc: '2.0', id: 1, ...message }), 1);
    const { body, headers } = modern(message);
    await expect503(await post(resource, token, body, headers), 1);
  });

  test('a tool may say that a service of its own is down, and for how long', async () => {
    const report = extra('report', () =>
      Promise.reject(new UnavailableError('the reports', 'ECONNREFUSED 10.1.2.3', 30)),
    );
    const resource = await startProtectedResource(nowhere, { tools: [report] });
    const response = await post(resource, await resource.token(), call('report'));
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '30']);
    const message = 'the reports cannot be reached just now. Try again in 30 seconds.';
    expect(await response.json()).toMatchObject({ error: { message } });
  });

  test('storage down for real: a note that may not be saved is 503, and get_server_info says so', async () => {
    const resource = await startProtectedResource(nowhere);
    const token = await resource.token();
    await expect503(await post(resource, token, call('save_user_note', { note: 'n' })), 1);
    const [info] = await messages(await post(resource, token, call('get_server_info')));
    expect(info).toMatchObject({ result: { structuredContent: { storage_reachable: false } } });
  });

  test('storage down within a batch is told in its place, and the rest is served', async () => {
    const resource = await startProtectedResource(nowhere, { services: down });
    const batch = [call('get_user_notes', {}, 1), call('calculate_sum', { numbers: [1] }, 2)];
    const response = await post(resource, await resource.token(), batch);
    expect(response.status).toBe(200);
    const answers = await messages(response);
    expect(answers.find(({ id }) => id === 1)).toMatchObject({ error: { code: -32603 } });
    expect(answers.find(({ id }) => id === 2)).toMatchObject({ result: { structuredContent: { sum: 1 } } });
  });

  test('revocations that cannot be known are 503', async () => {
    const resource = await startProtectedResource(nowhere, { revocations: { isRevoked: fail } });
    await expect503(await post(resource, await resource.token(), call('calculate_sum', { numbers: [1] })), null);
  });

  const extra = (name: string, handler: (signal: AbortSignal) => Promise<Record<string, never>>) =>
    defineTool({
      name,
      title: name,
      description: name,
      scopes: [],
      input: z.object({}),
      output: z.object({}),
      handler: (_args, { signal }) => handler(signal),
    });

  test('an exception in a tool is logged and hidden', async () => {
    const broken = extra('broken', () => Promise.reject(new TypeError('secrets of the house')));
    const resource = await startProtectedResource(nowhere, { tools: [broken] });
    const [answer] = await messages(await post(resource, await resource.token(), call('broken')));
    expect(answer).toMatchObject({ error: { code: -32603, message: expect.stringContaining('c0ffee') } });
    expect(JSON.stringify(answer)).not.toContain('secrets');
    expect(resource.lines.join('\n')).toContain('secrets of the house');
  });

  test('a result that does not fit the output schema is a fault of ours', async () => {
    const broken = extra('broken', async () => [] as never);
    const resource = await startProtectedResource(nowhere, { tools: [broken] });
    const [answer] = await messages(await post(resource, await resource.token(), call('broken')));
    expect(answer).toMatchObject({ error: { code: -32603 } });
  });

  test('an unexpected exception before the tools is 500 without its message', async () => {
    const keys = () => Promise.reject(new TypeError('secrets of the house'));
    const resource = await startProtectedResource(nowhere, { keys });
    const response = await post(resource, await resource.token(), call('get_server_info'));
    expect(response.status).toBe(500);
    expect(await response.text()).not.toContain('secrets');
  });

  test('a tool that takes too long is stopped and told so', async () => {
    let signal: AbortSignal | undefined;
    const slow = extra('slow', given => {
      signal = given;
      return new Promise(() => {});
    });
    const resource = await startProtectedResource(nowhere, { tools: [slow], toolTimeLimitMs: 1 });
    const [answer] = await messages(await post(resource, await resource.token(), call('slow')));
    expect(answer).toMatchObject({
      result: { isError: true, content: [{ text: expect.stringContaining('slow took longer than 0.001 seconds') }] },
    });
    expect(signal?.aborted).toBe(true);
  });

  test('a stream whose answer never comes ends', async () => {
    const slow = extra('slow', () => new Promise(() => {}));
    const resource = await startProtectedResource(nowhere, { tools: [slow], toolTimeLimitMs: 20 });
    const batch = [call('slow'), { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } }];
    expect(await messages(await post(resource, await resource.token(), batch))).toEqual([]);
  });

  test('two tools of one name stop the start', async () => {
    const tools = [extra('same', async () => ({})), extra('same', async () => ({}))];
    await expect(startProtectedResource(nowhere, { tools })).rejects.toThrow('the same name');
  });
});

describe('what real clients do', () => {
  const old = { 'mcp-protocol-version': '2025-06-18' };
  const hello = (protocolVersion: string) => ({
    jsonrpc: '2.0',
    id: 0,
    method: 'initialize',
    params: { protocolVersion, capabilities: {}, clientInfo: { name: 'test', version: '1' } },
  });

  test.each(['2024-11-05', '2025-03-26', '2025-06-18', '2025-11-25'])(
    'initialize with %s is agreed to',
    async version => {
      const resource = await startProtectedResource(nowhere);
      const [answer] = await messages(await post(resource, await resource.token(), hello(version)));
      expect(answer).toMatchObject({ result: { protocolVersion: version, serverInfo: { name: 'test' } } });
    },
  );

  test('Gemini CLI: no MCP-Protocol-Version at all, not even after initialize', async () => {
    const resource = await startProtectedResource(nowhere);
    const [answer] = await messages(
      await post(resource, await resource.token(), call('calculate_sum', { numbers: [1] })),
    );
    expect(answer).toMatchObject({ result: { structuredContent: { sum: 1 } } });
  });

  test('Codex: session data in _meta', async () => {
    const resource = await startProtectedResource(nowhere);
    const message = call('calculate_sum', { numbers: [1] });
    const body = { ...message, params: { ...message.params, _meta: { session: { id: 'x' }, progressToken: 1 } } };
    const [answer] = await messages(await post(resource, await resource.token(), body, old));
    expect(answer).toMatchObject({ result: { structuredContent: { sum: 1 } } });
  });

  test('mcp-remote: Mcp-Method and Mcp-Name on an older revision', async () => {
    const resource = await startProtectedResource(nowhere);
    const headers = { ...old, 'mcp-method': 'tools/call', 'mcp-name': 'calculate_sum' };
    const response = await post(resource, await resource.token(), call('calculate_sum', { numbers: [1] }), headers);
    expect(await messages(response)).toMatchObject([{ result: { structuredContent: { sum: 1 } } }]);
  });

  test('mcporter: its Accept', async () => {
    const resource = await startProtectedResource(nowhere);
    const headers = { accept: 'application/json, text/event-stream, application/json' };
    const response = await post(resource, await resource.token(), call('calculate_sum', { numbers: [1] }), headers);
    expect(await messages(response)).toMatchObject([{ result: { structuredContent: { sum: 1 } } }]);
  });

  test('Copilot CLI: the list of tools is the same before and after a call', async () => {
    const resource = await startProtectedResource(nowhere);
    const token = await resource.token();
    const list = async () => messages(await post(resource, token, { jsonrpc: '2.0', id: 1, method: 'tools/list' }));
    const before = await list();
    await messages(await post(resource, token, call('calculate_sum', { numbers: [1] })));
    expect(await list()).toEqual(before);
  });

  test('opencode: cancels a call that has ended', async () => {
    const resource = await startProtectedResource(nowhere);
    const message = { jsonrpc: '2.0', method: 'notifications/cancelled', params: { requestId: 1 } };
    expect((await post(resource, await resource.token(), message, old)).status).toBe(202);
  });

  test('Qwen Code: asks for prompts too', async () => {
    const resource = await startProtectedResource(nowhere);
    const response = await post(
      resource,
      await resource.token(),
      { jsonrpc: '2.0', id: 1, method: 'prompts/list' },
      old,
    );
    expect(await messages(response)).toMatchObject([{ result: { prompts: [{ name: 'summarize_notes' }] } }]);
  });
});

test('authorizing takes no trip to storage', async () => {
  const { accountName, connectionString } = freshStorage();
  const resource = await startProtectedResource({ connectionString });
  const token = await resource.token();
  const { trips } = await countTrips(accountName, async () => {
    await messages(await post(resource, token, call('calculate_sum', { numbers: [1] })));
  });
  expect(trips).toBe(0);
});

test('neither tokens nor notes are logged', async () => {
  const resource: ProtectedResource = await startProtectedResource(freshStorage());
  const token = await resource.token();
  for (const message of [
    call('save_user_note', { note: 'my secret note' }),
    { jsonrpc: '2.0', id: 9, result: 'my secret note' },
  ]) {
    await messages(await post(resource, token, message));
  }
  await post(resource, `${token}x`, call('get_server_info'));
  expect(resource.lines.length).toBeGreaterThan(0);
  for (const line of resource.lines) {
    expect(line).not.toContain('my secret note');
    for (const part of token.split('.')) expect(line).not.toContain(part);
  }
});
