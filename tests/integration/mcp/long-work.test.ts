import { beforeAll, describe, expect, test } from 'vitest';
import * as z from 'zod';
import { defineTool, type Tool, type ToolContext, ToolError } from '../../../src/mcp/define-tool.ts';
import { startAppServer } from '../../support/app-server.ts';
import { freshStorage } from '../../support/azurite.ts';
import { callTool, connect } from '../../support/flows.ts';
import { collect, eventsOf, messages, modern } from '../../support/mcp-messages.ts';
import { call, noDownstream, post, startProtectedResource } from '../../support/protected-resource.ts';

/** Both eras, with what a request says in `_meta`. */
const ERAS: Record<
  string,
  (name: string, meta?: Record<string, unknown>) => { body: unknown; headers: Record<string, string> }
> = {
  '2026-07-28': (name, meta) => modern({ method: 'tools/call', params: { name, arguments: {}, _meta: meta } }),
  '2025-11-25': (name, meta) => {
    const message = call(name);
    return { body: { ...message, params: { ...message.params, _meta: meta } }, headers: {} };
  },
};

type Work = (context: ToolContext) => Promise<unknown>;

function tool(name: string, work: Work, limits: { timeLimitSeconds?: number; callsAtOnce?: number } = {}): Tool {
  return defineTool({
    name,
    title: name,
    description: name,
    scopes: [],
    input: z.object({}),
    output: z.object({}),
    ...limits,
    handler: async (_args, context) => {
      await work(context);
      return {};
    },
  });
}

const storage = freshStorage();

/** A resource with one tool, and a call of it in an era. */
async function withTool(
  work: Work,
  options: { timeLimitSeconds?: number; callsAtOnce?: number; toolTimeLimitMs?: number } = {},
) {
  const { toolTimeLimitMs = 60_000, ...limits } = options;
  const resource = await startProtectedResource(storage, { tools: [tool('work', work, limits)], toolTimeLimitMs });
  const token = await resource.token();
  return {
    resource,
    call: (era: string, meta?: Record<string, unknown>) => {
      const message = ERAS[era]?.('work', meta);
      return post(resource, token, message?.body, message?.headers);
    },
  };
}

/** A promise and the function that keeps it. */
function gate() {
  let open = () => {};
  const opened = new Promise<void>(resolve => {
    open = resolve;
  });
  return { opened, open };
}

describe.each(Object.keys(ERAS))('%s', era => {
  test('progress comes while the tool works, with the token of the request', async () => {
    const { opened, open } = gate();
    const { call } = await withTool(async ({ progress }) => {
      progress(1, 3, 'one');
      await opened;
      progress(2, 3);
      // It has to grow: these say nothing.
      progress(2, 3, 'again');
      progress(1, 3, 'back');
      progress(Number.NaN);
      progress(3);
    });
    const response = await call(era, { progressToken: 'p1' });
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    const events = eventsOf(response);
    expect((await events.next()).value).toMatchObject({
      method: 'notifications/progress',
      params: { progressToken: 'p1', progress: 1, total: 3, message: 'one' },
    });
    open();
    const rest = await collect(events);
    expect(rest.slice(0, -1)).toMatchObject([{ params: { progress: 2, total: 3 } }, { params: { progress: 3 } }]);
    expect(rest.at(-1)).toMatchObject({ id: 1, result: { structuredContent: {} } });
  });

  test('who did not ask for progress gets none', async () => {
    const { call } = await withTool(async ({ progress }) => progress(1));
    expect(await messages(await call(era))).toMatchObject([{ id: 1, result: {} }]);
  });

  test('a tool with a limit of its own is stopped by it, and says nothing more', async () => {
    const { opened, open } = gate();
    let after: ToolContext | undefined;
    const work: Work = async context => {
      context.progress(1);
      after = context;
      open();
      await new Promise(() => {});
    };
    const { call, resource } = await withTool(work, { timeLimitSeconds: 0.02, toolTimeLimitMs: 60_000 });
    const events = eventsOf(await call(era, { progressToken: 7 }));
    await opened;
    const [, answer, ...rest] = await collect(events);
    expect(answer).toMatchObject({
      result: { isError: true, content: [{ text: expect.stringContaining('work took longer than 0.02 seconds') }] },
    });
    expect(rest).toEqual([]);
    expect(after?.signal.aborted).toBe(true);
    after?.progress(2);
    after?.clientLog('emergency', 'too late');
    expect(resource.lines.join('\n')).toContain('tool stopped');
  });

  test('the signal fires when the client lets go of the answer', async () => {
    const { opened, open } = gate();
    const { call } = await withTool(async ({ progress, signal }) => {
      signal.addEventListener('abort', open);
      progress(1);
      await opened;
    });
    const response = await call(era, { progressToken: 'p' });
    await response.body?.cancel();
    await opened;
  });

  test('the signal fires when the host says that the client is gone', async () => {
    const { opened, open } = gate();
    const begun = gate();
    const { resource } = await withTool(async ({ signal }) => {
      signal.addEventListener('abort', open);
      begun.open();
      await opened;
    });
    const gone = new AbortController();
    const message = ERAS[era]?.('work');
    const answer = resource.fetch('https://mcp.example/mcp', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${await resource.token()}`,
        ...message?.headers,
      },
      body: JSON.stringify(message?.body),
      signal: gone.signal,
    });
    await begun.opened;
    gone.abort();
    await opened;
    await answer;
  });

  test('an error after the first event comes in the stream', async () => {
    const { call } = await withTool(async ({ progress }) => {
      progress(1);
      throw new ToolError('no');
    });
    expect(await messages(await call(era, { progressToken: 1 }))).toMatchObject([
      { method: 'notifications/progress' },
      { result: { isError: true, content: [{ text: 'no' }] } },
    ]);
  });
});

describe('messages to the client’s log', () => {
  const levels = ['debug', 'info', 'notice', 'warning', 'error', 'critical', 'alert', 'emergency'] as const;
  let call: Awaited<ReturnType<typeof withTool>>['call'];
  beforeAll(async () => {
    ({ call } = await withTool(async ({ clientLog }) => {
      for (const level of levels) clientLog(level, { level });
    }));
  });
  const sent = async (era: string, meta?: Record<string, unknown>) => {
    const all = await messages(await call(era, meta));
    return all.flatMap(({ method, params }) => (method === 'notifications/message' ? [params] : []));
  };

  test.each(['debug', 'warning', 'emergency'] as const)('a request that asks for %s gets it and above', async level => {
    const wanted = levels.slice(levels.indexOf(level));
    expect(await sent('2026-07-28', { 'io.modelcontextprotocol/logLevel': level })).toEqual(
      wanted.map(each => ({ level: each, logger: 'test', data: { level: each } })),
    );
  });

  test('a request that asks for none gets none, as plain JSON', async () => {
    expect(await sent('2026-07-28')).toEqual([]);
    expect((await call('2026-07-28')).headers.get('content-type')).toBe('application/json');
  });

  test('a level that there is not is refused', async () => {
    const response = await call('2026-07-28', { 'io.modelcontextprotocol/logLevel': 'loud' });
    expect(await messages(response)).toMatchObject([{ error: { code: -32602 } }]);
  });

  test('older clients get what is worth telling, whatever level they set', async () => {
    expect((await sent('2025-11-25')).map(params => params?.level)).toEqual(levels.slice(1));
  });
});

test('TOOL_TIMEOUT_SECONDS is the limit of a tool that has none of its own', async () => {
  const forever = tool('work', () => new Promise(() => {}));
  const server = await startAppServer({ settings: { TOOL_TIMEOUT_SECONDS: '1' }, tools: [forever] });
  try {
    const { tokens } = await connect(server);
    const { body } = await callTool(server, tokens.access_token, 'work');
    expect(body.result?.content[0]?.text).toContain('longer than 1 second');
  } finally {
    await server.stop();
  }
});

test('limits that cannot be stop the start', () => {
  const nothing: Work = async () => {};
  expect(() => tool('work', nothing, { timeLimitSeconds: 201 })).toThrow('more than 0, up to 200');
  for (const callsAtOnce of [0, -1, 1.5, Number.NaN]) {
    expect(() => tool('work', nothing, { callsAtOnce })).toThrow('callsAtOnce');
  }
});

describe('a tool that runs so often at once for one person', () => {
  test('refuses more, in one request too, and nobody else, until one is done, whatever becomes of it', async () => {
    const { opened, open } = gate();
    let begun = 0;
    const bothBegun = gate();
    const { resource, call: sent } = await withTool(
      async ({ person }) => {
        begun += 1;
        if (begun === 2) bothBegun.open();
        if (person.oid !== 'ada' || begun > 3) return;
        await opened;
        if (begun === 3) throw new Error('broken');
      },
      { callsAtOnce: 2 },
    );
    const two = [sent('2026-07-28'), sent('2025-11-25')];
    await bothBegun.opened;
    const busy = { isError: true, content: [{ text: expect.stringContaining('under way for you 2 times already') }] };
    expect(await messages(await sent('2026-07-28'))).toMatchObject([{ result: busy }]);
    const grace = await resource.token({ person: { tid: 'tenant', oid: 'grace' } });
    const other = await messages(await post(resource, grace, call('work')));
    expect(other[0]?.result).not.toHaveProperty('isError');
    expect(begun).toBe(3);
    open();
    await Promise.all(two);
    expect((await messages(await sent('2026-07-28')))[0]?.result).not.toHaveProperty('isError');
    expect(begun).toBe(4);
  });
});

describe('export_user_notes', () => {
  test('gives all notes, page after page, and tells how far it is', async () => {
    const resource = await startProtectedResource(freshStorage());
    const token = await resource.token();
    for (let n = 1; n <= 101; n++) await (await post(resource, token, call('save_user_note', { note: `${n}` }))).text();
    const { body, headers } = modern({
      method: 'tools/call',
      params: {
        name: 'export_user_notes',
        arguments: {},
        _meta: { progressToken: 'p', 'io.modelcontextprotocol/logLevel': 'debug' },
      },
    });
    const events = await messages(await post(resource, token, body, headers));
    expect(events.flatMap(({ method, params }) => (method === 'notifications/progress' ? [params] : []))).toMatchObject(
      [
        { progress: 100, message: '100 notes' },
        { progress: 101, message: '101 notes' },
      ],
    );
    const notes = Array.from({ length: 101 }, (_, n) => ({ note: `${101 - n}` }));
    expect(events.at(-1)).toMatchObject({ result: { structuredContent: { count: 101, notes } } });
  });

  test('stops at a megabyte and says where to go on', async () => {
    const note = (id: number) => ({
      id: `${String(id).padStart(16, '0')}r${'0'.repeat(32)}`,
      text: '🦊'.repeat(4_000),
      savedAt: 0,
    });
    const asked: unknown[] = [];
    const page = async (query: { cursor?: string | undefined }) => {
      asked.push(query);
      return { notes: Array.from({ length: 100 }, (_, n) => note(n)), nextCursor: note(9).id };
    };
    const never = () => Promise.reject(new Error('not asked for'));
    const resource = await startProtectedResource(storage, {
      services: {
        notes: { page, save: never, read: never, remove: never },
        storageAnswers: async () => true,
        ...noDownstream,
      },
    });
    const response = await post(resource, await resource.token(), call('export_user_notes'));
    expect((await messages(response)).at(-1)).toMatchObject({
      result: { structuredContent: { count: 65, next_cursor: note(64).id } },
    });
    expect(asked).toEqual([{ person: expect.objectContaining({ oid: 'ada' }), limit: 100, cursor: undefined }]);
  });
});
