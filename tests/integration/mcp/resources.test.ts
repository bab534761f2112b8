import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { UnavailableError } from '../../../src/http/errors.ts';
import { definePrompt } from '../../../src/mcp/define-prompt.ts';
import { defineResource } from '../../../src/mcp/define-resource.ts';
import { defineTool, ToolError } from '../../../src/mcp/define-tool.ts';
import { prompts } from '../../../src/mcp/prompts/index.ts';
import { resources } from '../../../src/mcp/resources/index.ts';
import { freshStorage } from '../../support/azurite.ts';
import { call, grace, type ProtectedResource, post, startProtectedResource } from '../../support/protected-resource.ts';

const nowhere = {
  connectionString: 'DefaultEndpointsProtocol=http;AccountName=a;AccountKey=YQ==;TableEndpoint=http://127.0.0.1:1/a;',
};

interface Answer {
  status: number;
  // What a test looks at differs from answer to answer; a wrong guess fails there.
  result: Record<string, unknown>;
  error: { code: number; message: string };
}

/** Asks as a client of an older revision does, and gives the one answer. */
async function ask(resource: ProtectedResource, token: string, method: string, params = {}): Promise<Answer> {
  const response = await post(resource, token, { jsonrpc: '2.0', id: 1, method, params });
  const body = await response.text();
  const data = body.split('\n').find(line => line.startsWith('data: '));
  return { status: response.status, ...JSON.parse(data?.slice(6) ?? body) };
}

const read = (uri: string) => ['resources/read', { uri }] as const;
const get = (name: string, args = {}) => ['prompts/get', { name, arguments: args }] as const;
const complete = (ref: object, name: string, value: string, others = {}) =>
  ['completion/complete', { ref, argument: { name, value }, context: { arguments: others } }] as const;

const motto = defineResource({
  uri: 'app://motto',
  name: 'motto',
  title: 'Motto',
  description: 'For everybody',
  mimeType: 'text/plain',
  scopes: [],
  icons: [{ src: 'data:image/svg+xml;base64,PHN2Zy8+', mimeType: 'image/svg+xml' }],
  annotations: { audience: ['user'], priority: 0.5 },
  read: () => 'Ask, then act.',
});
const pixel = defineResource({
  uri: 'app://pixel',
  name: 'pixel',
  title: 'Pixel',
  description: 'Bytes',
  mimeType: 'image/png',
  scopes: ['profile'],
  read: () => new Uint8Array([1, 2, 3]),
});
const page = defineResource({
  uri: 'app://books/{book}/pages{?number}',
  name: 'page',
  title: 'Page',
  description: 'Of a book',
  mimeType: 'text/plain',
  scopes: [],
  complete: {
    book: ['Emma', 'emil', 'Faust'],
    number: (written, { person }, { book }) => [`${written}1`, `of ${book}`, `for ${person.oid}`],
  },
  read: ({ book, number }) => {
    if (book === 'burnt') throw new ToolError('That book is burnt. Read another.');
    if (book === 'lent') throw new UnavailableError('storage', new Error('ECONNREFUSED 10.1.2.3'));
    if (book === 'torn') throw new TypeError('at line 7');
    return number === '0' ? undefined : `${book}, ${number}`;
  },
});
const forAdmins = defineResource({
  uri: 'app://accounts',
  name: 'accounts',
  title: 'Accounts',
  description: 'For administrators',
  mimeType: 'text/plain',
  scopes: [],
  roles: ['Admin'],
  read: () => 'all of them',
});

describe('a resource', () => {
  const start = () => startProtectedResource(nowhere, { resources: [motto, pixel, page, forAdmins, ...resources] });

  test('is listed with its title, its icon and its annotations, where the token covers it', async () => {
    const resource = await start();
    const token = await resource.token({ scopes: [] });
    const { result } = await ask(resource, token, 'resources/list');
    expect(result).toEqual({
      resources: [
        {
          uri: 'app://motto',
          name: 'motto',
          title: 'Motto',
          description: 'For everybody',
          mimeType: 'text/plain',
          icons: [{ src: 'data:image/svg+xml;base64,PHN2Zy8+', mimeType: 'image/svg+xml' }],
          annotations: { audience: ['user'], priority: 0.5 },
        },
      ],
    });
    const { result: templates } = await ask(resource, token, 'resources/templates/list');
    expect(templates).toMatchObject({ resourceTemplates: [{ uriTemplate: 'app://books/{book}/pages{?number}' }] });
  });

  test('is listed for who has its role, and read by them alone', async () => {
    const resource = await start();
    const admin = await resource.token({ scopes: ['profile'], roles: ['Other', 'Admin'] });
    const listed = JSON.stringify(await ask(resource, admin, 'resources/list'));
    expect(listed).toContain('app://accounts');
    expect(listed).toContain('app://pixel');
    expect((await ask(resource, admin, ...read('app://accounts'))).result).toMatchObject({
      contents: [{ text: 'all of them' }],
    });
    const { error } = await ask(resource, await resource.token(), ...read('app://accounts'));
    expect(error.message).toBe('accounts needs the role Admin. Ask an administrator for it, then sign in again.');
  });

  test('gives text or bytes', async () => {
    const resource = await start();
    const token = await resource.token();
    expect((await ask(resource, token, ...read('app://motto'))).result).toEqual({
      contents: [{ uri: 'app://motto', mimeType: 'text/plain', text: 'Ask, then act.' }],
    });
    expect((await ask(resource, token, ...read('app://pixel'))).result).toEqual({
      contents: [{ uri: 'app://pixel', mimeType: 'image/png', blob: 'AQID' }],
    });
  });

  test('without its scope is 403 and names it, an unknown one is just unknown', async () => {
    const resource = await start();
    const token = await resource.token({ scopes: [] });
    const refused = await post(resource, token, {
      jsonrpc: '2.0',
      id: 1,
      method: 'resources/read',
      params: { uri: 'app://pixel' },
    });
    expect([refused.status, refused.headers.get('www-authenticate')]).toEqual([
      403,
      expect.stringContaining('scope="profile"'),
    ]);
    expect(await ask(resource, token, ...read('app://nowhere'))).toMatchObject({
      status: 200,
      error: { code: -32602 },
    });
  });

  const pages: [string, object][] = [
    ['app://books/Emma/pages?number=7', { result: { contents: [{ text: 'Emma, 7' }] } }],
    ['app://books/%C3%84sop%2F1/pages?number=1', { result: { contents: [{ text: 'Äsop/1, 1' }] } }],
    ['app://books/%C3/pages?number=1', { error: { code: -32602 } }],
    ['app://books/a/b/pages?number=1', { error: { code: -32602 } }],
    [`app://books/${'a'.repeat(2100)}/pages?number=1`, { error: { code: -32602 } }],
    ['app://books/{book}/pages{?number}', { error: { code: -32602 } }],
    ['app://books/Emma/pages?number=0', { error: { code: -32602 } }],
    ['app://books/burnt/pages?number=1', { error: { code: -32602, message: 'That book is burnt. Read another.' } }],
    ['app://books/torn/pages?number=1', { error: { code: -32603, message: expect.stringContaining('c0ffee') } }],
    ['app://books/lent/pages?number=1', { status: 503, error: { message: expect.stringContaining('Try again') } }],
  ];
  test('of a template is what its variables say', async () => {
    const resource = await start();
    const token = await resource.token();
    for (const [uri, expected] of pages) expect(await ask(resource, token, ...read(uri)), uri).toMatchObject(expected);
  });

  test('completes the variables of its template', async () => {
    const resource = await start();
    const token = await resource.token({ scopes: [] });
    const ref = { type: 'ref/resource', uri: 'app://books/{book}/pages{?number}' };
    const found = async (name: string, value: string, others = {}) =>
      (await ask(resource, token, ...complete(ref, name, value, others))).result.completion;
    expect(await found('book', 'em')).toEqual({ values: ['Emma', 'emil'], total: 2, hasMore: false });
    expect(await found('number', '4', { book: 'Emma' })).toMatchObject({ values: ['41', 'of Emma', 'for ada'] });
    for (const name of ['other', 'constructor', '__proto__'])
      expect(await found(name, '')).toMatchObject({ values: [] });
    const { error } = await ask(resource, token, ...complete({ type: 'ref/resource', uri: 'app://x' }, 'a', ''));
    expect(error.message).toBe('There is no resource template app://x.');
  });

  test('of one URI twice stops the start', async () => {
    await expect(startProtectedResource(nowhere, { resources: [motto, motto] })).rejects.toThrow('the same URI');
  });
});

describe('a person’s notes', () => {
  test('are completed by the beginning of their ids, for that person and with the scope alone', async () => {
    const resource = await startProtectedResource(freshStorage());
    const token = await resource.token();
    const ids: string[] = [];
    for (const note of ['1', '2', '3']) {
      const { result } = await ask(resource, token, 'tools/call', call('save_user_note', { note }).params);
      ids.unshift((result as { structuredContent: { id: string } }).structuredContent.id);
    }
    const ref = { type: 'ref/resource', uri: 'note://{id}' };
    const found = async (value: string, as = token) =>
      (await ask(resource, as, ...complete(ref, 'id', value))).result.completion as { values: string[] };
    expect((await found('')).values).toEqual(ids);
    const [newest = ''] = ids;
    expect((await found(newest.slice(0, 4))).values).toEqual(ids);
    for (const length of [16, 17, 30, 48, 49]) expect((await found(newest.slice(0, length))).values).toEqual([newest]);
    for (const value of ['z', "' or '", 'f'.repeat(17), `${newest}0`]) expect((await found(value)).values).toEqual([]);
    expect((await found('', await resource.token({ person: grace }))).values).toEqual([]);
    const refused = await ask(resource, await resource.token({ scopes: [] }), ...complete(ref, 'id', ''));
    expect(refused).toMatchObject({ status: 403, error: 'insufficient_scope' });
  });

  test('are handed over by the prompt that asks for their summary', async () => {
    const resource = await startProtectedResource(freshStorage());
    const token = await resource.token();
    const { result: none } = await ask(resource, token, ...get('summarize_notes'));
    expect(none).toMatchObject({ messages: [{ content: { text: expect.stringContaining('no notes') } }] });
    for (const note of ['buy milk', 'Call Grace']) {
      await ask(resource, token, 'tools/call', call('save_user_note', { note }).params);
    }
    const { result } = await ask(resource, token, ...get('summarize_notes', { style: 'a timeline', about: 'grace' }));
    expect(result).toMatchObject({
      messages: [
        { role: 'user', content: { type: 'text', text: expect.stringContaining('a timeline') } },
        {
          role: 'user',
          content: { type: 'resource', resource: { uri: expect.stringMatching(/^note:/), text: 'Call Grace' } },
        },
      ],
    });
    const stranger = await resource.token({ person: grace });
    expect(JSON.stringify(await ask(resource, stranger, ...get('summarize_notes')))).not.toContain('milk');
  });
});

describe('a prompt', () => {
  const greet = definePrompt({
    name: 'greet',
    title: 'Greet',
    description: 'Says hello',
    scopes: ['profile'],
    roles: ['Greeter'],
    icons: [{ src: 'https://example.com/icon.png' }],
    args: z.object({ whom: z.string().max(5).describe('A name'), how: z.enum(['loud', 'low']).optional() }),
    complete: { how: ['loud', 'low'] },
    handler: ({ whom, how }, { person }) => `${person.name} greets ${whom} ${how ?? 'well'}.`,
  });
  const start = () => startProtectedResource(nowhere, { prompts: [...prompts, greet] });

  test('is listed with its arguments, whatever the token covers', async () => {
    const resource = await start();
    const { result } = await ask(resource, await resource.token({ scopes: [] }), 'prompts/list');
    const { prompts: listed } = result as { prompts: object[] };
    expect(listed).toHaveLength(2);
    expect(listed[1]).toEqual({
      name: 'greet',
      title: 'Greet',
      description: 'Says hello',
      icons: [{ src: 'https://example.com/icon.png' }],
      arguments: [
        { name: 'whom', description: 'A name', required: true },
        { name: 'how', required: false },
      ],
    });
  });

  test('is drafted for who has its scope and its role', async () => {
    const resource = await start();
    const token = await resource.token({ roles: ['Greeter'] });
    expect((await ask(resource, token, ...get('greet', { whom: 'Grace' }))).result).toEqual({
      description: 'Says hello',
      messages: [{ role: 'user', content: { type: 'text', text: 'Ada greets Grace well.' } }],
    });
    expect((await ask(resource, await resource.token({ scopes: [] }), ...get('greet'))).status).toBe(403);
    const { error } = await ask(resource, await resource.token(), ...get('greet', { whom: 'Grace' }));
    expect(error.message).toContain('needs the role Greeter');
  });

  test('says what to mend', async () => {
    const resource = await start();
    const token = await resource.token({ roles: ['Greeter'] });
    const mend: [Record<string, unknown>, RegExp][] = [
      [{}, /whom: .*expected string/],
      [{ whom: 'Grace Hopper' }, /whom: Too big/],
      [{ whom: 'Grace', how: 'not' }, /how: /],
    ];
    for (const [args, message] of mend) {
      const { error } = await ask(resource, token, ...get('greet', args));
      expect(error).toMatchObject({ code: -32602, message: expect.stringMatching(message) });
    }
    expect((await ask(resource, token, ...get('x'))).error.message).toBe('There is no prompt x.');
  });

  test('completes its arguments', async () => {
    const resource = await start();
    const token = await resource.token({ roles: ['Greeter'] });
    const ref = { type: 'ref/prompt', name: 'greet' };
    const { result } = await ask(resource, token, ...complete(ref, 'how', 'lo'));
    expect(result.completion).toEqual({ values: ['loud', 'low'], total: 2, hasMore: false });
    expect((await ask(resource, await resource.token(), ...complete(ref, 'how', ''))).error.message).toContain('role');
    expect((await ask(resource, token, ...complete({ type: 'ref/prompt', name: 'x' }, 'a', ''))).error.code).toBe(
      -32602,
    );
  });
});

describe('a list longer than a page', () => {
  const scopes: readonly string[] = [];
  const many = Array.from({ length: 250 }, (_, n) => {
    const shown = { name: `n${n}`, title: `N ${n}`, description: '', scopes };
    return {
      prompt: definePrompt({ ...shown, args: z.object({}), handler: () => '' }),
      resource: defineResource({ ...shown, uri: `app://${n}`, mimeType: 'text/plain', read: () => '' }),
      template: defineResource({
        ...shown,
        uri: `app://${n}/{x}`,
        mimeType: 'text/plain',
        list: ({ cursor }) => ({
          resources: [{ variables: { x: `ä ${cursor ?? ''}` }, name: 'x' }],
          ...(n === 0 && cursor === undefined && { cursor: 'second' }),
        }),
        read: () => '',
      }),
    };
  });
  const start = () =>
    startProtectedResource(nowhere, {
      prompts: many.map(({ prompt }) => prompt),
      resources: [...many.map(({ resource }) => resource), ...many.map(({ template }) => template)],
    });

  async function pages(resource: ProtectedResource, token: string, method: string, name: string) {
    const sizes: number[] = [];
    const seen = new Set<string>();
    for (let cursor: string | undefined; sizes.length === 0 || cursor; ) {
      const { result } = await ask(resource, token, method, cursor ? { cursor } : {});
      const entries = result[name] as object[];
      sizes.push(entries.length);
      for (const entry of entries) seen.add(JSON.stringify(entry));
      cursor = result.nextCursor as string | undefined;
    }
    return { sizes, different: seen.size };
  }

  test('is given page by page, each entry once', async () => {
    const resource = await start();
    const token = await resource.token();
    expect(await pages(resource, token, 'prompts/list', 'prompts')).toEqual({ sizes: [100, 100, 50], different: 250 });
    expect(await pages(resource, token, 'resources/templates/list', 'resourceTemplates')).toEqual({
      sizes: [100, 100, 50],
      different: 250,
    });
    const listed = await pages(resource, token, 'resources/list', 'resources');
    expect(listed.different).toBe(501);
    expect(Math.max(...listed.sizes)).toBeLessThanOrEqual(100);
  });

  test('takes no cursor but one of this list, this person and this server', async () => {
    const resource = await start();
    const token = await resource.token();
    const { result } = await ask(resource, token, 'prompts/list');
    const cursor = String(result.nextCursor);
    expect((await ask(resource, token, 'prompts/list', { cursor })).result).toMatchObject({ prompts: { length: 100 } });
    const stranger = await resource.token({ person: grace });
    const refused = [
      ask(resource, stranger, 'prompts/list', { cursor }),
      ask(resource, token, 'resources/templates/list', { cursor }),
      ask(resource, token, 'tools/list', { cursor }),
      ask(resource, token, 'prompts/list', { cursor: `${cursor.slice(0, -2)}AA` }),
      ask(resource, token, 'prompts/list', { cursor: '100' }),
      ask(resource, token, 'resources/list', { cursor: '' }),
    ];
    for (const { error } of await Promise.all(refused)) {
      expect(error).toEqual({ code: -32602, message: 'This is no cursor of this list. Begin again without one.' });
    }
  });
});

test('a tool has its icon, and one without a schema of its result gives content', async () => {
  const icons = [{ src: 'https://example.com/icon.png', sizes: ['48x48'] }];
  const shown = { title: 'T', description: 'D', scopes: [], input: z.object({}), icons };
  const text = defineTool({ ...shown, name: 'text', handler: () => 'said' });
  const blocks = [{ type: 'image' as const, data: 'AQID', mimeType: 'image/png' }];
  const image = defineTool({ ...shown, name: 'image', handler: () => blocks });
  const resource = await startProtectedResource(nowhere, { tools: [text, image] });
  const token = await resource.token();
  const { result } = await ask(resource, token, 'tools/list');
  expect(result).toMatchObject({
    tools: [
      { name: 'text', icons },
      { name: 'image', icons },
    ],
  });
  expect(JSON.stringify(result)).not.toContain('outputSchema');
  const used = async (name: string) => (await ask(resource, token, 'tools/call', call(name).params)).result;
  expect(await used('text')).toEqual({ content: [{ type: 'text', text: 'said' }] });
  expect(await used('image')).toEqual({ content: blocks });
});

test('the server tells its title, its icon and what a model should know', async () => {
  const server = {
    name: 'n',
    version: '1',
    startedAt: 0,
    title: 'T',
    instructions: 'Ask first.',
    icons: [{ src: 'data:,' }],
  };
  const resource = await startProtectedResource(nowhere, { server });
  const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1' } };
  const { result } = await ask(resource, await resource.token(), 'initialize', params);
  expect(result).toMatchObject({
    serverInfo: { name: 'n', version: '1', title: 'T', icons: [{ src: 'data:,' }] },
    instructions: 'Ask first.',
    capabilities: { prompts: { listChanged: false }, completions: {} },
  });
  expect(JSON.stringify(result)).not.toContain('startedAt');
});
