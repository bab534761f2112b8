import { describe, expect, test } from 'vitest';
import * as z from 'zod';
import { defineTool } from '../../../src/mcp/define-tool.ts';
import { PROTOCOL_REVISIONS } from '../../../src/mcp/revisions.ts';
import { tools } from '../../../src/mcp/tools/index.ts';
import { freshStorage } from '../../support/azurite.ts';
import { ada, CLIENTS, grace, type McpClient, startProtectedResource } from '../../support/protected-resource.ts';

/** A tool's structured result, or the text of its error. */
async function use(client: McpClient, name: string, args: Record<string, unknown> = {}) {
  const result = await client.callTool({ name, arguments: args });
  if (!result.isError) return result.structuredContent as Record<string, unknown>;
  const [content] = result.content as { text: string }[];
  return content?.text ?? '';
}

describe.each(Object.entries(CLIENTS))('%s', (_name, connect) => {
  test('lists the tools with titles, schemas and annotations', async () => {
    const resource = await startProtectedResource(freshStorage());
    const client = await connect(resource, await resource.token());
    const { tools: listed } = await client.listTools();
    expect(listed.map(tool => tool.name)).toEqual([
      'calculate_sum',
      'delete_user_note',
      'export_user_notes',
      'get_server_info',
      'get_user_notes',
      'get_user_profile',
      'save_user_note',
    ]);
    for (const tool of listed) {
      expect(tool).toMatchObject({
        title: expect.any(String),
        inputSchema: { type: 'object' },
        outputSchema: { type: 'object' },
        annotations: { readOnlyHint: expect.any(Boolean), openWorldHint: false },
      });
    }
    await client.close();
  });

  test('uses all tools', async () => {
    const resource = await startProtectedResource(freshStorage());
    const client = await connect(resource, await resource.token());
    // The client of the library before checks results by the schemas once it has listed them.
    await client.listTools();

    expect(await use(client, 'get_user_profile')).toEqual({
      id: 'tenant.ada',
      tenant_id: 'tenant',
      object_id: 'ada',
      name: ada.name,
      email: ada.email,
    });
    const saved = await use(client, 'save_user_note', { note: 'remember', idempotency_key: 'k' });
    expect(saved).toMatchObject({ repeated: false });
    expect(await use(client, 'save_user_note', { note: 'remember', idempotency_key: 'k' })).toEqual({
      ...(saved as object),
      repeated: true,
    });
    const { id, saved_at } = saved as { id: string; saved_at: string };
    expect(await use(client, 'get_user_notes')).toEqual({ notes: [{ id, note: 'remember', saved_at }] });
    expect(await use(client, 'export_user_notes')).toEqual({ notes: [{ id, note: 'remember', saved_at }], count: 1 });
    expect(await use(client, 'delete_user_note', { id })).toMatchObject({ deleted: true });
    expect(await use(client, 'delete_user_note', { id })).toMatchObject({
      deleted: false,
      message: expect.stringContaining('no such note'),
    });
    expect(await use(client, 'calculate_sum', { numbers: [1, 2.5, -4] })).toEqual({ sum: -0.5, count: 3 });
    expect(await use(client, 'get_server_info')).toEqual({
      name: 'test',
      version: '1.2.3',
      protocol_revisions: PROTOCOL_REVISIONS,
      uptime_seconds: 5,
      storage_reachable: true,
      asking: { person: 'tenant.ada', client_id: 'client', scopes: ['profile', 'notes:read', 'notes:write'] },
    });
    await client.close();
  });

  test('reads notes as resources, page by page', async () => {
    const resource = await startProtectedResource(freshStorage());
    const client = await connect(resource, await resource.token());
    for (let n = 1; n <= 101; n++) await use(client, 'save_user_note', { note: `note ${n}\nits second line` });

    // Client 2 asks for all pages by itself, client 1 leaves that to its caller.
    const resources: { uri: string }[] = [];
    let page = await client.listResources();
    resources.push(...page.resources);
    while (page.nextCursor) {
      page = await client.listResources({ cursor: page.nextCursor });
      resources.push(...page.resources);
    }
    expect(resources).toHaveLength(101);
    expect(resources[0]).toMatchObject({ title: 'note 101', mimeType: 'text/plain', size: 24 });
    const uri = resources[100]?.uri ?? '';
    expect((await client.readResource({ uri })).contents).toEqual([
      { uri, mimeType: 'text/plain', text: 'note 1\nits second line' },
    ]);
    await client.close();
  });

  test('completes the id of a note, and has a prompt drafted of it', async () => {
    const resource = await startProtectedResource(freshStorage());
    const client = await connect(resource, await resource.token());
    const { id } = (await use(client, 'save_user_note', { note: 'remember' })) as { id: string };
    const template = { type: 'ref/resource', uri: 'note://{id}' } as const;
    const { completion } = await client.complete({ ref: template, argument: { name: 'id', value: id.slice(0, 5) } });
    expect(completion.values).toEqual([id]);
    const prompt = { type: 'ref/prompt', name: 'summarize_notes' } as const;
    const styles = await client.complete({ ref: prompt, argument: { name: 'style', value: 'bul' } });
    expect(styles.completion.values).toEqual(['bullet points']);
    const { messages } = await client.getPrompt({ name: 'summarize_notes', arguments: { style: 'bullet points' } });
    expect(messages).toMatchObject([
      { content: { type: 'text' } },
      { content: { type: 'resource', resource: { uri: `note://${id}`, text: 'remember' } } },
    ]);
    await client.close();
  });

  test('cannot reach the notes of another person, by tool or by resource', async () => {
    const resource = await startProtectedResource(freshStorage());
    const hers = await connect(resource, await resource.token());
    const stranger = await connect(resource, await resource.token({ person: grace }));
    const { id } = (await use(hers, 'save_user_note', { note: 'secret' })) as { id: string };
    await use(hers, 'save_user_note', { note: 'another' });
    const { next_cursor } = (await use(hers, 'get_user_notes', { limit: 1 })) as { next_cursor: string };

    expect(await use(stranger, 'get_user_notes')).toEqual({ notes: [] });
    expect(await use(stranger, 'get_user_notes', { cursor: next_cursor })).toEqual({ notes: [] });
    expect(await use(stranger, 'delete_user_note', { id })).toMatchObject({ deleted: false });
    expect((await stranger.listResources()).resources).toEqual([]);
    await expect(stranger.listResources({ cursor: next_cursor })).rejects.toThrow('no cursor');
    await expect(stranger.readResource({ uri: `note://${id}` })).rejects.toThrow(`not found: note://${id}`);
    expect((await hers.readResource({ uri: `note://${id}` })).contents).toMatchObject([{ text: 'secret' }]);
    await Promise.all([hers.close(), stranger.close()]);
  });

  test('is told what to mend', async () => {
    const resource = await startProtectedResource(freshStorage());
    const client = await connect(resource, await resource.token());
    const errors: [string, Record<string, unknown>, RegExp][] = [
      ['save_user_note', { note: '' }, /cannot be empty/],
      ['save_user_note', { note: ' \n\t ' }, /cannot be empty/],
      ['save_user_note', {}, /note: .*expected string/],
      ['save_user_note', { note: 'x'.repeat(16_001) }, /16000 characters at most/],
      ['save_user_note', { note: '𝄞'.repeat(16_001) }, /16000 characters at most/],
      ['save_user_note', { note: 'half: \ud834' }, /valid Unicode/],
      ['delete_user_note', { id: 'nonsense' }, /no id of a note/],
      ['get_user_notes', { cursor: 'nonsense' }, /no cursor/],
      ['get_user_notes', { limit: 101 }, /limit: /],
      ['calculate_sum', { numbers: [] }, /numbers: /],
      ['calculate_sum', { numbers: ['1'] }, /numbers\.0: .*expected number/],
      ['calculate_sum', { numbers: Array(1001).fill(1) }, /numbers: /],
      ['calculate_sum', { numbers: [1e308, 1e308] }, /too large/],
    ];
    for (const [name, args, message] of errors) expect(await use(client, name, args), name).toMatch(message);

    await use(client, 'save_user_note', { note: 'one', idempotency_key: 'k' });
    expect(await use(client, 'save_user_note', { note: 'two', idempotency_key: 'k' })).toMatch(/another text/);
    await expect(client.callTool({ name: 'no_such_tool' })).rejects.toThrow('There is no tool no_such_tool');
    await expect(client.readResource({ uri: 'note://nonsense' })).rejects.toThrow('not found');
    await expect(client.listResources({ cursor: 'nonsense' })).rejects.toThrow('no cursor');
    await client.close();
  });

  test('saves and reads the longest note', async () => {
    const resource = await startProtectedResource(freshStorage());
    const client = await connect(resource, await resource.token());
    const note = '𝄞'.repeat(16_000);
    const { id } = (await use(client, 'save_user_note', { note })) as { id: string };
    expect((await client.readResource({ uri: `note://${id}` })).contents).toMatchObject([{ text: note }]);
    await client.close();
  });

  test('uses a tool that was added in ten lines', async () => {
    const greet = defineTool({
      name: 'greet',
      title: 'Greet',
      description: 'Greets the signed-in person.',
      scopes: ['profile'],
      input: z.object({ greeting: z.string().default('Hello') }),
      output: z.object({ text: z.string() }),
      handler: ({ greeting }, { person }) => ({ text: `${greeting}, ${person.name}` }),
    });
    const resource = await startProtectedResource(freshStorage(), { tools: [...tools, greet] });
    const client = await connect(resource, await resource.token());
    expect(await use(client, 'greet', { greeting: 'Hi' })).toEqual({ text: 'Hi, Ada' });
    await client.close();
  });
});
