import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { triggers } from '../../functions/triggers.ts';
import {
  createEntraMcp,
  createLogger,
  type EntraMcpOptions,
  type FunctionsApp,
  loadConfig,
  samples,
} from '../../src/index.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const SETTINGS = {
  AUTH_TENANT_ID: '11111111-2222-3333-4444-555555555555',
  AUTH_CLIENT_ID: '66666666-7777-8888-9999-000000000000',
  AzureWebJobsStorage: 'UseDevelopmentStorage=true',
};

/** Takes what is registered, as `@azure/functions` does. */
function functionsApp() {
  const http = vi.fn<FunctionsApp['http']>();
  const timer = vi.fn<FunctionsApp['timer']>();
  const setup = vi.fn<FunctionsApp['setup']>();
  const appTerminate = vi.fn<FunctionsApp['hook']['appTerminate']>();
  return { http, timer, setup, appTerminate, app: { http, timer, setup, hook: { appTerminate } as never } };
}

test('registers every trigger with its route and methods, and what is written at the end', () => {
  const { app, http, timer, setup, appTerminate } = functionsApp();
  createEntraMcp(loadConfig(SETTINGS)).register(app);
  const registered = [...http.mock.calls, ...timer.mock.calls].map(([name, { handler: _, ...options }]) => ({
    name,
    ...options,
  }));
  const declared = triggers.map(trigger => {
    if ('schedule' in trigger) return { name: trigger.name, schedule: trigger.schedule };
    const { endpoint: _endpoint, callers: _callers, ...rest } = trigger;
    return rest;
  });
  const byName = (a: { name: string }, b: { name: string }) => a.name.localeCompare(b.name);
  expect(registered.sort(byName)).toEqual(declared.sort(byName));
  expect(setup.mock.calls).toEqual([[{ enableHttpStream: true }]]);
  expect(appTerminate).toHaveBeenCalledOnce();
});

test('HTTP_STREAMING=off asks the host for no streams', () => {
  const { app, setup } = functionsApp();
  createEntraMcp(loadConfig({ ...SETTINGS, HTTP_STREAMING: 'off' })).register(app);
  expect(setup.mock.calls).toEqual([[{ enableHttpStream: false }]]);
});

test('tells of settings without meaning, once', () => {
  const lines: string[] = [];
  const log = createLogger('warn', (_level, line) => lines.push(line));
  createEntraMcp({ ...loadConfig({ ...SETTINGS, AUTH_SERVER_PORT: '8000' }), log });
  expect(lines).toEqual([expect.stringContaining('AUTH_SERVER_PORT')]);
});

test('serves nothing of this project’s own that is not given, under the one scope that needs nothing', async () => {
  const mcp = createEntraMcp(loadConfig(SETTINGS));
  const log = createLogger('error', () => {});
  const ask = async (name: 'resourceMetadata' | 'mcp') => {
    const request = new Request('http://localhost:7071/.well-known/oauth-protected-resource/mcp');
    return (await mcp.endpoint(name))(request, { correlationId: 'c0ffee', log });
  };
  expect(await (await ask('resourceMetadata')).json()).toMatchObject({
    resource_name: 'MCP server',
    scopes_supported: ['profile'],
  });
  expect((await ask('mcp')).headers.get('www-authenticate')).toContain('scope="profile"');
});

test.each([undefined, {}, { tools: [] }, { config: loadConfig(SETTINGS) }])(
  'without settings, as with %j, it says what is missing',
  options => {
    const create = () => createEntraMcp(options as unknown as EntraMcpOptions);
    expect(create).toThrow(TypeError);
    expect(create).toThrow('createEntraMcp needs the settings: createEntraMcp({ ...loadConfig(process.env), ');
  },
);

test.each([
  ['tools', 'defineTool', [{ name: 'greet', scopes: [], handler: () => 'done' }]],
  ['tools', 'defineTool', {}],
  ['tools', 'defineTool', [undefined]],
  ['resources', 'defineResource', samples.tools],
  ['prompts', 'definePrompt', samples.resources],
])('%s that %s did not make are refused', (option, definer, given) => {
  const options = { ...loadConfig(SETTINGS), scopes: samples.scopes, [option]: given } as EntraMcpOptions;
  expect(() => createEntraMcp(options)).toThrow(`\`${option}\` takes a list of what ${definer} makes.`);
});

test('what the definers make is taken', () => {
  expect(createEntraMcp({ ...loadConfig(SETTINGS), ...samples })).toMatchObject({ register: expect.any(Function) });
});
