import { randomBytes } from 'node:crypto';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { UnavailableError } from '../../../src/http/errors.ts';
import { definePrompt } from '../../../src/mcp/define-prompt.ts';
import { defineResource } from '../../../src/mcp/define-resource.ts';
import { defineTool, type ToolContext } from '../../../src/mcp/define-tool.ts';
import type { McpEndpointOptions } from '../../../src/mcp/endpoint.ts';
import { STATELESS_REVISION } from '../../../src/mcp/revisions.ts';
import { freshStorage } from '../../support/azurite.ts';
import { messages, modern, type WireMessage } from '../../support/mcp-messages.ts';
import {
  call,
  grace,
  type ProtectedResource,
  post,
  RESOURCE,
  startProtectedResource,
} from '../../support/protected-resource.ts';
import { countTrips } from '../../support/storage-faults.ts';

const storage = freshStorage();
const CAPABILITIES = 'io.modelcontextprotocol/clientCapabilities';
const everyCapability = { elicitation: { form: {} }, sampling: {}, roots: {} };

/** A tool with a confirmation before its effect, which is counted. */
function deed(name = 'deed') {
  const done: unknown[] = [];
  const tool = defineTool({
    name,
    title: name,
    description: name,
    scopes: [],
    input: z.object({ what: z.string().optional(), more: z.unknown().optional() }),
    output: z.object({}),
    handler: async (args, { confirm }) => {
      await confirm(`Do ${args.what}?`);
      done.push(args.what);
      return {};
    },
  });
  return { tool, done };
}

/** An instance of its own on the storage of all. */
function start(changes: Partial<McpEndpointOptions> = {}) {
  return startProtectedResource(storage, { random: size => randomBytes(size), ...changes });
}

interface Sent {
  token?: string;
  method?: string;
  params?: Record<string, unknown>;
  capabilities?: Record<string, unknown>;
}

/** The answer to one request of the newest revision, by a client that can be asked everything. */
async function send(
  resource: ProtectedResource,
  params: Record<string, unknown>,
  { token, method = 'tools/call', capabilities = everyCapability }: Sent = {},
): Promise<WireMessage> {
  const { body, headers } = modern({ method, params: { ...params, _meta: { [CAPABILITIES]: capabilities } } });
  const [answer] = await messages(await post(resource, token ?? (await resource.token()), body, headers));
  return answer ?? {};
}

const stateOf = ({ result }: WireMessage) => String(result?.requestState);
const accepted = (content: Record<string, unknown> = {}) => ({ action: 'accept', content });
const yes = { 'confirm-1': accepted() };
const asks = (message: unknown) => ({
  result: {
    resultType: 'input_required',
    requestState: expect.any(String),
    inputRequests: {
      'confirm-1': {
        method: 'elicitation/create',
        params: { mode: 'form', message, requestedSchema: { type: 'object', properties: {} } },
      },
    },
  },
});
const refused = { error: { code: -32602, message: expect.stringContaining('was not issued for this request') } };

describe('delete_user_note', () => {
  async function withNote(text = 'milk, eggs\nand bread') {
    const resource = await start();
    const token = await resource.token();
    const [saved] = await messages(await post(resource, token, call('save_user_note', { note: text })));
    const { id } = (saved?.result?.structuredContent ?? {}) as { id: string };
    const params = { name: 'delete_user_note', arguments: { id } };
    const isThere = async () => {
      const read = { jsonrpc: '2.0', id: 1, method: 'resources/read', params: { uri: `note://${id}` } };
      return (await messages(await post(resource, token, read)))[0]?.result !== undefined;
    };
    return { resource, params, isThere };
  }

  test('asks first, by the beginning of the note, and deletes what was confirmed', async () => {
    const { resource, params, isThere } = await withNote();
    const asked = await send(resource, params);
    expect(asked).toMatchObject(asks('Delete the note “milk, eggs”? It cannot be brought back.'));
    expect(await isThere()).toBe(true);
    const answer = await send(resource, { ...params, requestState: stateOf(asked), inputResponses: yes });
    expect(answer).toMatchObject({ result: { resultType: 'complete', structuredContent: { deleted: true } } });
    expect(await isThere()).toBe(false);
  });

  test.each(['decline', 'cancel'])('%s: nothing is deleted, and that is said', async action => {
    const { resource, params, isThere } = await withNote();
    const requestState = stateOf(await send(resource, params));
    const answer = await send(resource, { ...params, requestState, inputResponses: { 'confirm-1': { action } } });
    expect(answer).toMatchObject({
      result: { isError: true, content: [{ text: expect.stringContaining('nothing was done') }] },
    });
    expect(await isThere()).toBe(true);
  });

  test.each([
    ['says nothing of it', {}],
    ['opens addresses only', { elicitation: { url: {} } }],
  ])('a client that %s is served at once, in one trip', async (_what, capabilities) => {
    const { resource, params, isThere } = await withNote();
    const token = await resource.token();
    const { trips } = await countTrips(storage.accountName, async () => {
      const answer = await send(resource, params, { token, capabilities });
      expect(answer).toMatchObject({ result: { structuredContent: { deleted: true } } });
    });
    expect(trips).toBe(1);
    expect(await isThere()).toBe(false);
  });

  test('a client of an older revision is served at once', async () => {
    const { resource, params, isThere } = await withNote();
    const message = call(params.name, params.arguments);
    const [answer] = await messages(await post(resource, await resource.token(), message));
    expect(answer).toMatchObject({ result: { structuredContent: { deleted: true } } });
    expect(await isThere()).toBe(false);
  });

  test('what is not there needs no confirmation; asking costs a trip, confirming two more', async () => {
    const { resource, params } = await withNote();
    const token = await resource.token();
    let state = '';
    const asking = await countTrips(storage.accountName, async () => {
      state = stateOf(await send(resource, params, { token }));
    });
    const confirming = await countTrips(storage.accountName, async () => {
      await send(resource, { ...params, requestState: state, inputResponses: yes }, { token });
    });
    expect([asking.trips, confirming.trips]).toEqual([1, 3]);
    expect(await send(resource, params)).toMatchObject({ result: { structuredContent: { deleted: false } } });
  });

  test('the client of the library asks its person and goes on by itself', async () => {
    const { resource, params, isThere } = await withNote();
    const client = new Client(
      { name: 'test', version: '1' },
      { versionNegotiation: { mode: { pin: STATELESS_REVISION } }, capabilities: { elicitation: { form: {} } } },
    );
    const read: unknown[] = [];
    client.setRequestHandler('elicitation/create', request => {
      read.push(request.params.message);
      return { action: 'accept', content: {} };
    });
    const headers = { authorization: `Bearer ${await resource.token()}` };
    await client.connect(
      new StreamableHTTPClientTransport(new URL(RESOURCE), { fetch: resource.fetch, requestInit: { headers } }),
    );
    expect(await client.callTool(params)).toMatchObject({ structuredContent: { deleted: true } });
    expect(read).toEqual([expect.stringContaining('milk, eggs')]);
    expect(await isThere()).toBe(false);
    await client.close();
  });
});

describe('a confirmation', () => {
  const params = { name: 'deed', arguments: { what: 'it', more: { a: 1, b: [2] } } };

  async function asked() {
    const { tool, done } = deed();
    const other = deed('other');
    const resource = await start({ tools: [tool, other.tool] });
    const requestState = stateOf(await send(resource, params));
    return {
      resource,
      done: () => [...done, ...other.done],
      confirmed: { ...params, requestState, inputResponses: yes },
    };
  }

  test('counts once', async () => {
    const { resource, confirmed, done } = await asked();
    expect(await send(resource, confirmed)).toMatchObject({ result: { structuredContent: {} } });
    expect(await send(resource, confirmed)).toMatchObject({
      error: { code: -32602, message: expect.stringContaining('was used before') },
    });
    expect(done()).toEqual(['it']);
  });

  test('counts at another instance, with the arguments written in another order', async () => {
    const { confirmed, done } = await asked();
    const second = deed();
    const elsewhere = await start({ tools: [second.tool] });
    const reordered = { ...confirmed, arguments: { more: { b: [2], a: 1 }, what: 'it' } };
    expect(await send(elsewhere, reordered)).toMatchObject({ result: { structuredContent: {} } });
    expect([done(), second.done]).toEqual([[], ['it']]);
  });

  test('sent ten times at once to two instances counts once', async () => {
    const { resource, confirmed, done } = await asked();
    const second = deed();
    const elsewhere = await start({ tools: [second.tool] });
    const token = await resource.token();
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, n) => send(n % 2 ? resource : elsewhere, confirmed, { token })),
    );
    expect(answers.filter(({ result }) => result).length).toBe(1);
    expect([...done(), ...second.done]).toEqual(['it']);
  });

  test.each<
    [string, (given: Record<string, unknown>, resource: ProtectedResource) => Promise<[Record<string, unknown>, Sent?]>]
  >([
    ['by another person', async (given, resource) => [given, { token: await resource.token({ person: grace }) }]],
    ['through another client', async (given, resource) => [given, { token: await resource.token({ clientId: 'x' }) }]],
    ['for another tool', async given => [{ ...given, name: 'other' }]],
    ['with other arguments', async given => [{ ...given, arguments: { what: 'that' } }]],
    ['with more arguments', async given => [{ ...given, arguments: { ...(given.arguments as object), further: 1 } }]],
    ['forged', async given => [{ ...given, requestState: `A${String(given.requestState).slice(1)}` }]],
    ['lengthened', async given => [{ ...given, requestState: `${given.requestState}-TAMPERED` }]],
    ['made up', async given => [{ ...given, requestState: 'e30' }]],
    ['empty', async given => [{ ...given, requestState: '' }]],
    ['oversized', async given => [{ ...given, requestState: 'x'.repeat(600_000) }]],
  ])('%s is refused, and nothing is done', async (_what, change) => {
    const { resource, confirmed, done } = await asked();
    const [changed, sent] = await change(confirmed, resource);
    expect(await send(resource, changed, sent)).toMatchObject(refused);
    expect(done()).toEqual([]);
    // And the true one is not used up by it.
    expect(await send(resource, confirmed)).toMatchObject({ result: { structuredContent: {} } });
  });

  test('that is no text is refused', async () => {
    const { resource, confirmed, done } = await asked();
    const { error } = await send(resource, { ...confirmed, requestState: { id: 'x' } });
    expect(error?.code).toBe(-32602);
    expect(done()).toEqual([]);
  });

  test('that is too old is asked for anew', async () => {
    const { resource, confirmed, done } = await asked();
    resource.clock.now += 10 * 60_000;
    const again = await send(resource, confirmed);
    expect(again).toMatchObject(asks('Do it?'));
    expect(stateOf(again)).not.toBe(confirmed.requestState);
    expect(done()).toEqual([]);
  });

  test('without the question is no confirmation', async () => {
    const { resource, done } = await asked();
    expect(await send(resource, { ...params, inputResponses: yes })).toMatchObject(asks('Do it?'));
    expect(done()).toEqual([]);
  });

  test.each([
    ['nothing', undefined],
    ['null', null],
    ['a number', { 'confirm-1': 1 }],
    ['no action', { 'confirm-1': {} }],
    ['an action that there is not', { 'confirm-1': { action: 'yes' } }],
    ['another kind of answer', { 'confirm-1': { roots: [] } }],
    ['another name', { 'confirm-2': accepted() }],
    ['the prototype', JSON.parse('{"__proto__":{"confirm-1":{"action":"accept"}}}')],
  ])('with %s for an answer is asked for again', async (_what, inputResponses) => {
    const { resource, confirmed, done } = await asked();
    expect(await send(resource, { ...confirmed, inputResponses })).toMatchObject(asks('Do it?'));
    expect(done()).toEqual([]);
  });

  test('is not used up by an outage before it is known, which is 503', async () => {
    const { confirmed, done } = await asked();
    const down = async () => {
      throw new UnavailableError('storage', new Error('down'));
    };
    const { tool, done: doneThere } = deed();
    const halfDown = await start({ tools: [tool], usedStates: { claim: down } });
    const { body, headers } = modern({
      method: 'tools/call',
      params: { ...confirmed, _meta: { [CAPABILITIES]: everyCapability } },
    });
    const response = await post(halfDown, await halfDown.token(), body, headers);
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
    expect(doneThere).toEqual([]);
    const later = await start({ tools: [tool] });
    expect(await send(later, confirmed)).toMatchObject({ result: { structuredContent: {} } });
    expect([done(), doneThere]).toEqual([[], ['it']]);
  });

  test('is used up by a call that failed half-way: the person is asked again', async () => {
    const failing = defineTool({
      name: 'deed',
      title: 'deed',
      description: 'deed',
      scopes: [],
      input: z.object({}),
      output: z.object({}),
      handler: async (_args, { confirm }) => {
        await confirm('Do it?');
        throw new UnavailableError('storage', new Error('down'));
      },
    });
    const { confirmed, done } = await asked();
    const halfDown = await start({ tools: [failing] });
    expect(await send(halfDown, confirmed)).toMatchObject({ error: { message: expect.stringContaining('Try again') } });
    const later = await start({ tools: [deed().tool] });
    expect(await send(later, confirmed)).toMatchObject({ error: { code: -32602 } });
    expect(await send(later, params)).toMatchObject(asks('Do it?'));
    expect(done()).toEqual([]);
  });

  test('is one for each question of a tool', async () => {
    const done: string[] = [];
    const twice = defineTool({
      name: 'twice',
      title: 'twice',
      description: 'twice',
      scopes: [],
      input: z.object({}),
      output: z.object({}),
      handler: async (_args, { confirm }) => {
        await confirm('First?');
        await confirm('Second?');
        done.push('both');
        return {};
      },
    });
    const resource = await start({ tools: [twice] });
    const first = await send(resource, { name: 'twice', arguments: {} });
    const both = { 'confirm-1': accepted(), 'confirm-2': accepted() };
    const answered = { name: 'twice', arguments: {}, inputResponses: both };
    const second = await send(resource, { ...answered, requestState: stateOf(first) });
    expect(second).toMatchObject({ result: { inputRequests: { 'confirm-2': { params: { message: 'Second?' } } } } });
    expect(done).toEqual([]);
    await send(resource, { ...answered, requestState: stateOf(second) });
    // The first confirmation travels in the second state, which counts once too.
    expect(await send(resource, { ...answered, requestState: stateOf(second) })).toMatchObject({
      error: { code: -32602 },
    });
    expect(done).toEqual(['both']);
  });

  test('to one question is none to another that has come into its place', async () => {
    const folder = { files: 3, isPublic: true };
    const done: number[] = [];
    const wipe = defineTool({
      name: 'wipe',
      title: 'wipe',
      description: 'wipe',
      scopes: [],
      input: z.object({}),
      output: z.object({}),
      handler: async (_args, { confirm }) => {
        if (folder.isPublic) await confirm('This folder is public: tell its readers?');
        await confirm(async () => `Delete ${folder.files} files?`);
        done.push(folder.files);
        return {};
      },
    });
    const resource = await start({ tools: [wipe] });
    const params = { name: 'wipe', arguments: {} };
    const answerTo = (asked: WireMessage) =>
      send(resource, { ...params, requestState: stateOf(asked), inputResponses: yes });
    const first = await send(resource, params);
    folder.isPublic = false;
    const second = await answerTo(first);
    expect(second).toMatchObject(asks('Delete 3 files?'));
    folder.files = 4000;
    const third = await answerTo(second);
    expect(third).toMatchObject(asks('Delete 4000 files?'));
    expect(done).toEqual([]);
    expect(await answerTo(third)).toMatchObject({ result: { structuredContent: {} } });
    expect(done).toEqual([4000]);
  });

  test('that travels on counts for its own question alone', async () => {
    let words = 'First?';
    const done: string[] = [];
    const twice = defineTool({
      name: 'twice',
      title: 'twice',
      description: 'twice',
      scopes: [],
      input: z.object({}),
      output: z.object({}),
      handler: async (_args, { confirm }) => {
        await confirm(words);
        await confirm('Second?');
        done.push(words);
        return {};
      },
    });
    const resource = await start({ tools: [twice] });
    const params = { name: 'twice', arguments: {} };
    const first = await send(resource, params);
    const second = await send(resource, { ...params, requestState: stateOf(first), inputResponses: yes });
    words = 'Another?';
    const inputResponses = { 'confirm-2': accepted() };
    const third = await send(resource, { ...params, requestState: stateOf(second), inputResponses });
    expect(third).toMatchObject(asks('Another?'));
    expect(done).toEqual([]);
  });

  test('of arguments that are nested too deeply is refused', async () => {
    const { resource, done } = await asked();
    const nested = `${'['.repeat(50_000)}${']'.repeat(50_000)}`;
    const { body, headers } = modern({
      method: 'tools/call',
      params: { name: 'deed', arguments: { more: 'NESTED' }, _meta: { [CAPABILITIES]: everyCapability } },
    });
    const text = JSON.stringify(body).replace('"NESTED"', nested);
    const [answer] = await messages(await post(resource, await resource.token(), text, headers));
    expect(answer).toMatchObject({ error: { code: -32602 } });
    expect(done()).toEqual([]);
  });
});

describe('questions of any kind', () => {
  const name = { form: 'What is your name?', fields: z.object({ name: z.string().min(1) }) };
  const greeting = {
    sampling: {
      messages: [{ role: 'user' as const, content: { type: 'text' as const, text: 'Greet' } }],
      maxTokens: 50,
    },
  };
  const folders = { roots: true } as const;
  const sampled = { role: 'assistant', model: 'm', content: { type: 'text', text: 'Hello' } };
  const rooted = { roots: [{ uri: 'file:///home', name: 'home' }] };

  /** A tool that answers with what its handler returns. */
  const asking = (handler: (context: ToolContext) => Promise<unknown>) =>
    defineTool({
      name: 'asking',
      title: 'asking',
      description: 'asking',
      scopes: [],
      input: z.object({}),
      output: z.object({ got: z.unknown() }),
      handler: async (_args, context) => ({ got: await handler(context) }),
    });
  const params = { name: 'asking', arguments: {} };

  test('several at once; what was not answered is asked again, what was is kept', async () => {
    const resource = await start({ tools: [asking(({ ask }) => ask({ name, greeting, folders }))] });
    const first = await send(resource, params);
    expect(first.result?.inputRequests).toEqual({
      name: {
        method: 'elicitation/create',
        params: expect.objectContaining({
          message: 'What is your name?',
          requestedSchema: expect.objectContaining({ properties: { name: { type: 'string', minLength: 1 } } }),
        }),
      },
      greeting: { method: 'sampling/createMessage', params: greeting.sampling },
      folders: { method: 'roots/list' },
    });
    const second = await send(resource, {
      ...params,
      requestState: stateOf(first),
      inputResponses: { name: accepted({ name: '' }), greeting: sampled, folders: rooted, stranger: accepted() },
    });
    expect(Object.keys(second.result?.inputRequests as object)).toEqual(['name']);
    const third = await send(resource, {
      ...params,
      requestState: stateOf(second),
      inputResponses: { name: accepted({ name: 'Ada' }) },
    });
    expect(third).toMatchObject({
      result: {
        structuredContent: {
          got: { name: { action: 'accept', content: { name: 'Ada' } }, greeting: sampled, folders: rooted.roots },
        },
      },
    });
  });

  test('round after round', async () => {
    const resource = await start({
      tools: [
        asking(async ({ ask }) => {
          const one = await ask({ one: name });
          const two = await ask({ two: name });
          return { ...one, ...two };
        }),
      ],
    });
    const first = await send(resource, params);
    const second = await send(resource, {
      ...params,
      requestState: stateOf(first),
      inputResponses: { one: accepted({ name: 'a' }) },
    });
    expect(Object.keys(second.result?.inputRequests as object)).toEqual(['two']);
    const last = await send(resource, {
      ...params,
      requestState: stateOf(second),
      inputResponses: { two: { action: 'decline' } },
    });
    expect(last).toMatchObject({
      result: { structuredContent: { got: { one: accepted({ name: 'a' }), two: { action: 'decline' } } } },
    });
  });

  test('a handler can look what its client can be asked', async () => {
    const kinds = ['form', 'sampling', 'roots'] as const;
    const resource = await start({ tools: [asking(async ({ canAsk }) => kinds.filter(canAsk))] });
    const can = async (capabilities: Record<string, unknown>) =>
      (await send(resource, params, { capabilities })).result?.structuredContent;
    expect(await can(everyCapability)).toEqual({ got: kinds });
    expect(await can({ elicitation: {} })).toEqual({ got: ['form'] });
    expect(await can({ sampling: {}, elicitation: { url: {} } })).toEqual({ got: ['sampling'] });
    expect(await can({})).toEqual({ got: [] });
  });

  test('a client that cannot be asked is told which ability it lacks', async () => {
    const resource = await start({ tools: [asking(({ ask }) => ask({ name }))] });
    const { error } = await send(resource, params, { capabilities: { sampling: {} } });
    expect(error).toMatchObject({ code: -32021, data: { requiredCapabilities: { elicitation: {} } } });
    const [older] = await messages(await post(resource, await resource.token(), call('asking')));
    expect(older).toMatchObject({
      result: { isError: true, content: [{ text: expect.stringContaining('2026-07-28') }] },
    });
  });

  test('answers that are too long to travel are refused', async () => {
    const resource = await start({
      tools: [asking(async ({ ask }) => [await ask({ one: name }), await ask({ two: name })])],
    });
    const answer = await send(resource, {
      ...params,
      inputResponses: { one: accepted({ name: 'x'.repeat(100_000) }) },
    });
    expect(answer).toMatchObject({ error: { code: -32602, message: expect.stringContaining('65536 characters') } });
  });

  test('a lister and a completer can ask nothing', async () => {
    const template = defineResource({
      uri: 'ask://{id}',
      name: 'ask',
      title: 'ask',
      description: 'ask',
      mimeType: 'text/plain',
      scopes: [],
      list: async (_page, { ask }) => {
        await ask({ name });
        return { resources: [] };
      },
      complete: {
        id: async (_written, { confirm }) => {
          await confirm('Tell?');
          return ['secret'];
        },
      },
      read: () => 'x',
    });
    const resource = await start({ resources: [template] });
    const refusal = { error: { code: -32602, message: expect.stringContaining('cannot') } };
    expect(await send(resource, {}, { method: 'resources/list' })).toMatchObject(refusal);
    const completion = { ref: { type: 'ref/resource', uri: 'ask://{id}' }, argument: { name: 'id', value: '' } };
    expect(await send(resource, completion, { method: 'completion/complete' })).toMatchObject(refusal);
  });

  test('by a prompt and a resource; a state of the one is none of the other', async () => {
    const prompt = definePrompt({
      name: 'ask',
      title: 'ask',
      description: 'ask',
      scopes: [],
      args: z.object({}),
      handler: async (_args, { ask }) => JSON.stringify(await ask({ name })),
    });
    const fixed = defineResource({
      uri: 'ask://it',
      name: 'ask',
      title: 'ask',
      description: 'ask',
      mimeType: 'text/plain',
      scopes: [],
      read: async (_variables, { ask }) => JSON.stringify(await ask({ name })),
    });
    const resource = await start({ prompts: [prompt], resources: [fixed] });
    const inputResponses = { name: accepted({ name: 'Ada' }) };
    const get = { name: 'ask' };
    const read = { uri: 'ask://it' };
    const asked = await send(resource, get, { method: 'prompts/get' });
    expect(asked).toMatchObject({ result: { resultType: 'input_required', inputRequests: { name: {} } } });
    const requestState = stateOf(asked);
    expect(await send(resource, { ...get, requestState, inputResponses }, { method: 'prompts/get' })).toMatchObject({
      result: { messages: [{ content: { text: expect.stringContaining('Ada') } }] },
    });
    expect(await send(resource, { ...read, requestState, inputResponses }, { method: 'resources/read' })).toMatchObject(
      refused,
    );
    expect(await send(resource, { ...read, inputResponses }, { method: 'resources/read' })).toMatchObject({
      result: { contents: [{ text: expect.stringContaining('Ada') }] },
    });
  });
});
