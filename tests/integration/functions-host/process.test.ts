import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { type IncomingMessage, request } from 'node:http';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { spawnFunctionsHost } from '../../../dev/functions-host/index.ts';
import { ask, buildFixture, type Fixture, run } from './fixture.ts';

const built: Fixture[] = [];
async function fixtureOf(...args: Parameters<typeof buildFixture>): Promise<string> {
  const fixture = await buildFixture(...args);
  built.push(fixture);
  return fixture.root;
}

let echo: string;
let hello: string;
beforeAll(async () => {
  [echo, hello] = await Promise.all([fixtureOf('echo.ts'), fixtureOf('homeless.ts')]);
});
afterAll(() => Promise.all(built.map(fixture => fixture.remove())));

describe('says what is wrong', () => {
  test('when the port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as AddressInfo;
    try {
      await expect(run({ root: hello, port, env: {} })).rejects.toThrow(
        `Port ${port} on 127.0.0.1 is in use. Stop what listens on it, or choose another port.`,
      );
    } finally {
      other.close();
    }
  });

  test('when it cannot listen there', async () => {
    await expect(run({ root: hello, host: '192.0.2.1', env: {} })).rejects.toThrow(
      'The host cannot listen on 192.0.2.1, port 0',
    );
  });

  test('when the app throws while it is loaded', async () => {
    const lines: string[] = [];
    const root = await fixtureOf('throws-while-loading.ts');
    const starting = spawnFunctionsHost({ root, env: {}, onOutput: line => lines.push(line) });
    await expect(starting).rejects.toThrow('AUTH_TENANT_ID is missing.');
    expect(lines.join('\n')).toContain('at file://');
  });

  test('when nothing was registered', async () => {
    await expect(run({ root: await fixtureOf('registers-nothing.ts'), env: {} })).rejects.toThrow(
      'registered no function',
    );
  });

  test("when the bundle's require finds no modules but Node's, so that the library never meets its host", async () => {
    const banner = 'const require = name => process.getBuiltinModule(name) ?? missing();';
    await expect(run({ root: await fixtureOf('homeless.ts', { banner }), env: {} })).rejects.toThrow(
      'registered no function. It never reached its host. ',
    );
  });

  test('when a schedule is none', async () => {
    await expect(run({ root: await fixtureOf('bad-schedule.ts'), env: {} })).rejects.toThrow(
      'The schedule of the function "purge": "24" is not a hour of NCRONTAB',
    );
  });

  test('when loading takes too long', async () => {
    const quiet = createServer().listen(0, '127.0.0.1');
    await once(quiet, 'listening');
    const env = { RELEASE_PORT: String((quiet.address() as AddressInfo).port) };
    try {
      await expect(run({ root: await fixtureOf('slow-to-load.ts'), env, limits: { load: 200 } })).rejects.toThrow(
        'The app is not loaded after 0.2 s, where the real host gives up.',
      );
    } finally {
      quiet.close();
    }
  });

  test('when the folder is not an app', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'functions-host-'));
    const put = (name: string, text: string) => writeFile(join(folder, name), text);
    const starting = () => run({ root: folder, env: {} });
    try {
      await expect(starting()).rejects.toThrow('host.json cannot be read (ENOENT). Every Functions app has one.');
      await put('host.json', '{');
      await expect(starting()).rejects.toThrow('host.json is not JSON');
      await put('host.json', '{}');
      await expect(starting()).rejects.toThrow('host.json must say "version": "2.0".');
      await put('host.json', '{"version":"2.0"}');
      await put('package.json', '{}');
      await expect(starting()).rejects.toThrow('package.json has no "main"');
      await put('package.json', '{"main":"index.js"}');
      await expect(starting()).rejects.toThrow('Was the app built?');
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});

test('answers 503 while it starts', async () => {
  const gate = createServer().listen(0, '127.0.0.1');
  const loading = once(gate, 'connection') as Promise<[Socket]>;
  const free = createServer().listen(0, '127.0.0.1');
  await Promise.all([once(gate, 'listening'), once(free, 'listening')]);
  const { port } = free.address() as AddressInfo;
  await new Promise(done => free.close(done));

  const env = { RELEASE_PORT: String((gate.address() as AddressInfo).port) };
  const starting = run({ root: await fixtureOf('slow-to-load.ts'), env, port });
  const [app] = await loading;
  expect(await ask({ port }, '/hello')).toMatchObject({ status: 503 });
  app.end('go on');
  const host = await starting;
  expect(host).toMatchObject({ port, url: `http://localhost:${port}` });
  expect(await ask(host, '/hello')).toMatchObject({ status: 200, body: 'hello' });
  await host.stop();
  gate.close();
});

test("the app's environment is what it is given, and nothing else", async () => {
  const host = await run({ root: hello, env: { GREETING: 'good day', NOT_SET: undefined } });
  const { body } = await ask(host, '/hello');
  await host.stop();
  expect(body).toMatch(/^good day, 1 variables/);
});

test("runs the app's hooks", async () => {
  const host = await run({ root: hello, env: {} });
  expect(await ask(host, '/hello')).toMatchObject({ body: expect.stringContaining(', seen by a hook') });
  await host.stop();
  expect(host.lines).toEqual(['hook: the app starts', 'hook: before a call with 1 input', 'hook: the app ends']);
});

describe('ends', () => {
  test.each(['SIGTERM', 'SIGINT'] as const)('by %s', async signal => {
    const host = await run({ root: hello, env: {} });
    process.kill(host.pid, signal);
    expect(await host.ended).toBe(0);
    expect(host.lines).toContain('hook: the app ends');
    await host.stop();
  });

  test('at once by kill', async () => {
    const host = await run({ root: hello, env: {} });
    await host.kill();
    expect(await host.ended).toBeNull();
    expect(host.lines).not.toContain('hook: the app ends');
  });

  test('when the app crashes, and says so', async () => {
    const host = await run({ root: echo, env: {} });
    await Promise.allSettled([ask(host, '/crashes')]);
    expect(await host.ended).toBe(1);
    expect(host.lines.join('\n')).toContain('Error: thrown by nobody in particular');
  });

  test('after the requests that are running', async () => {
    const host = await run({ root: echo, env: {} });
    const sent = request({ host: '127.0.0.1', port: host.port, path: '/count', method: 'POST' });
    sent.write('begin');
    await host.line(/the body has begun/);
    const stopped = host.stop();
    sent.end(' and end');
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    expect((await answer.setEncoding('utf8').toArray()).join('')).toBe('13');
    await stopped;
    await expect(ask(host, '/echo')).rejects.toThrow('ECONNREFUSED');
  });

  test('with its parent', async () => {
    const module = new URL('../../../dev/functions-host/index.ts', import.meta.url);
    const script = `import { spawnFunctionsHost } from '${module}';
      console.log((await spawnFunctionsHost({ root: ${JSON.stringify(hello)} })).port);`;
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [port] = await once(parent.stdout, 'data');
    const connection = connect(Number(port), '127.0.0.1');
    await once(connection, 'connect');
    // Cut off rather than closed, on some systems.
    connection.on('error', () => {});
    const closed = new Promise(resolve => connection.resume().on('close', resolve));
    parent.kill('SIGKILL');
    await closed;
  });
});

test('can be started by hand', async () => {
  const main = join(import.meta.dirname, '../../../dev/functions-host/main.ts');
  const child = spawn(process.execPath, [main, '--root', hello, '--host', '127.0.0.1', '--port', '0'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const lines: string[] = [];
  let status: number | undefined;
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      lines.push(line);
      const port = /^Listening on http:\/\/localhost:(\d+)$/.exec(line)?.[1];
      if (port === undefined) continue;
      ({ status } = await ask({ port: Number(port) }, '/hello'));
      child.kill('SIGINT');
    }
  } finally {
    child.kill('SIGKILL');
  }
  expect(status).toBe(200);
  expect(lines).toContain('hello: [GET] /hello');
  expect(lines.at(-1)).toBe('hook: the app ends');
});
