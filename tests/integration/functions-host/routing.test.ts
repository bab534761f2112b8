import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readTarget } from '../../../dev/functions-host/request-target.ts';
import { matchTemplate, parseTemplate } from '../../../dev/functions-host/route-template.ts';
import { ask, buildFixture, type Fixture, type Run, run } from './fixture.ts';

let fixture: Fixture;
let host: Run;
beforeAll(async () => {
  fixture = await buildFixture('routes.ts');
  host = await run({ root: fixture.root, env: { AzureWebJobsDisableHomepage: 'true' } });
});
afterAll(async () => {
  await host?.stop();
  await fixture?.remove();
});

/** Which function answers, with which parameters. */
async function reached(path: string, method = 'GET') {
  const answer = await ask(host, path, { method });
  return answer.status === 200 ? answer.json() : answer.status;
}

test('functions are tried in the order of their names, ignoring case', async () => {
  const names = host.functions.map(({ name }) => name);
  expect(names).toEqual([...names].sort((a, b) => (a.toUpperCase() < b.toUpperCase() ? -1 : 1)));
  expect(names.slice(0, 2)).toEqual(['aGeneral', 'Bspecific']);
});

test('the first template that matches wins, however unspecific', async () => {
  expect(await reached('/things/special')).toEqual({ name: 'aGeneral', params: { name: 'special' } });
});

test('a method that does not match falls through to the next template', async () => {
  expect(await reached('/things/special', 'POST')).toEqual({ name: 'cPost', params: { name: 'special' } });
});

test.each(['PUT', 'HEAD', 'OPTIONS', 'DELETE'])(
  '%s where it is not registered is 404 with an empty body',
  async method => {
    const answer = await ask(host, '/mcp', { method });
    expect(answer).toMatchObject({ status: 404, body: '' });
    expect(answer.headers.allow).toBeUndefined();
  },
);

test('OPTIONS reaches the function that registers it', async () => {
  expect(await reached('/.well-known/server', 'OPTIONS')).toMatchObject({ name: 'wellKnown' });
});

test.each(['/mcp', '/MCP', '/mcp/', '/Mcp/?x', '/%6dcp', '/%2e%2e/mcp', '/x/../mcp', '/./mcp', '/x/%2E%2e/mcp/.'])(
  '%s reaches mcp',
  async path => {
    expect(await reached(path)).toMatchObject({ name: 'mcp' });
  },
);

test.each(['/mcp/x', '//mcp', '/mcp//', '/mcp%2F', '/mcpx', '/.well-known', '/nowhere'])('%s is 404', async path => {
  expect(await reached(path)).toBe(404);
});

test('an encoded slash stays as it is', async () => {
  expect(await reached('/files/a%2Fb%20c/d')).toEqual({ name: 'zCatchAll', params: { rest: 'a%2Fb c/d' } });
});

test('a catch-all matches without a rest too, and keeps the last slash', async () => {
  expect(await reached('/files')).toEqual({ name: 'zCatchAll', params: {} });
  expect(await reached('/files/')).toEqual({ name: 'zCatchAll', params: {} });
  expect(await reached('/files/a/')).toEqual({ name: 'zCatchAll', params: { rest: 'a/' } });
});

test('an empty route, and none, are the name', async () => {
  expect(await reached('/unrouted')).toMatchObject({ name: 'unrouted' });
  expect(await reached('/emptyroute')).toMatchObject({ name: 'emptyRoute' });
});

test('a parameter of no length serves /, and nothing else', async () => {
  expect(await reached('/')).toEqual({ name: 'home', params: {} });
  expect(await reached('/?code=1')).toMatchObject({ name: 'home' });
  expect(await reached('/x')).toBe(404);
});

test('constraints and defaults', async () => {
  expect(await reached('/number/3')).toMatchObject({ params: { id: '3' } });
  expect(await reached('/number/2')).toBe(404);
  expect(await reached('/number/three')).toBe(404);
  expect(await reached('/number')).toBe(404);
  expect(await reached('/pages')).toMatchObject({ params: { page: 'first' } });
});

test('of two functions with one route and a method in common the later name is dropped', async () => {
  expect(await reached('/same', 'POST')).toMatchObject({ name: 'sameRouteOne' });
  expect(await reached('/same', 'DELETE')).toMatchObject({ name: 'sameRouteOther' });
  expect(host.functions.map(({ name }) => name)).not.toContain('sameRouteTwo');
  expect(await host.line(/"sameRouteTwo"/)).toContain('those of "sameRouteOne"');
});

test('routes that begin with admin or runtime are dropped, and names that the real host refuses', async () => {
  expect(await reached('/administration')).toBe(404);
  expect(await reached('/runtime/x')).toBe(404);
  expect(await reached('/lives')).toBe(404);
  expect(await host.line(/"adminThings"/)).toContain("the host's own");
  expect(await host.line(/"runtimeThings"/)).toContain("the host's own");
  expect(await host.line(/"9lives"/)).toContain('a name begins with a letter');
});

test.each([
  ['GET', '/admin/host/status', 401],
  ['POST', '/admin/host/keys', 401],
  ['GET', '/admin/functions/home', 401],
  ['POST', '/ADMIN/functions/home/x', 401],
  ['POST', '/admin/functions/nobody', 404],
])("%s %s is the host's own: %i", async (method, path, status) => {
  expect(await ask(host, path, { method })).toMatchObject({ status, body: '' });
});

test('the query has 4,096 characters at most, the URL 8,192, the headers 32 KiB', async () => {
  expect(await reached(`/mcp?${'q'.repeat(4096)}`)).toMatchObject({ name: 'mcp' });
  expect(await reached(`/mcp?${'q'.repeat(4097)}`)).toBe(404);
  expect(await reached(`/files/${'f'.repeat(8192 - 7)}`)).toMatchObject({ name: 'zCatchAll' });
  expect(await reached(`/files/${'f'.repeat(8192 - 6)}`)).toBe(414);
  expect(await ask(host, '/mcp', { headers: { 'x-long': 'x'.repeat(41 * 1024) } })).toMatchObject({ status: 431 });
});

test('a target or a Host that is none is 400', async () => {
  expect(await reached('*', 'OPTIONS')).toBe(400);
  expect(await reached('/mcp%00')).toBe(400);
  expect(await ask(host, '/mcp', { headers: { host: 'a b' } })).toMatchObject({ status: 400 });
  expect(await ask(host, '/mcp', { headers: { host: 'a/b' } })).toMatchObject({ status: 400 });
  expect(await ask(host, '/mcp', { headers: { 'x-bytes': 'a\xff' } })).toMatchObject({ status: 400 });
  expect(await reached('http://elsewhere.example/mcp')).toMatchObject({ name: 'mcp' });
});

describe('nothing at /', () => {
  let homeless: Fixture;
  beforeAll(async () => {
    homeless = await buildFixture('homeless.ts', { hostJson: { extensions: {} } });
  });
  afterAll(() => homeless?.remove());

  test("the prefix is api where host.json names none, and / is the host's page", async () => {
    const other = await run({ root: homeless.root, env: {} });
    try {
      expect(other.functions).toEqual([{ name: 'hello', route: 'api/hello', methods: ['GET'] }]);
      expect(await ask(other, '/api/hello')).toMatchObject({ status: 200 });
      expect(await ask(other, '/hello')).toMatchObject({ status: 404 });
      const page = await ask(other, '/');
      expect(page).toMatchObject({ status: 200, body: expect.stringContaining('up and running') });
      expect(page.headers['content-type']).toBe('text/html');
    } finally {
      await other.stop();
    }
  });

  test('without the page / is 204', async () => {
    const other = await run({ root: homeless.root, env: { AzureWebJobsDisableHomepage: 'TRUE' } });
    try {
      expect(await ask(other, '/')).toMatchObject({ status: 204, body: '' });
    } finally {
      await other.stop();
    }
  });
});

describe('templates', () => {
  test.each([
    ['{id:guid}', '/0f8fad5b-d9cb-469f-a165-70867728950e', true],
    ['{id:guid}', '/0f8fad5b', false],
    ['{id:int}', '/2147483648', false],
    ['{id:long}', '/2147483648', true],
    ['{on:bool}', '/True', true],
    ['{word:alpha:length(2,3)}', '/abc', true],
    ['{word:alpha:length(2,3)}', '/abcd', false],
    ['{word:length(2)}', '/ab', true],
    ['{word:minlength(2)}', '/a', false],
    ['{n:range(1,5)}', '/6', false],
    ['{n:max(5)}', '/5', true],
    ['a/{b?}', '/a', true],
    ['a/{b?}', '/a/b/c', false],
    ['{a}/{**rest}', '/x/y/z', true],
    ['', '/', true],
    ['', '//', false],
  ])('%s and %s: %s', (template, path, matches) => {
    expect(matchTemplate(parseTemplate(template), path) !== undefined).toBe(matches);
  });

  test.each(['{id:regex(^a$)}', '{a}.{b}', '{*rest}/x', 'a//b', '{a', 'x?'])('%s is refused', template => {
    expect(() => parseTemplate(template)).toThrow();
  });
});

test('a path is passed on encoded anew', () => {
  expect(readTarget('/a%2Fb/%C3%A4/%41/%zz/%ff?q=%41')).toEqual({
    path: '/a%2Fb/ä/A/%zz/%ff',
    query: '?q=%41',
    url: '/a%2Fb/%C3%A4/A/%25zz/%ff?q=%41',
  });
});
