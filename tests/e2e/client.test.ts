import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { freePorts } from '../../dev/local/ports.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';

let server: AppServer;
beforeAll(async () => {
  server = await startAppServer();
});
afterAll(() => server.stop());

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), 'client-'));
});
afterEach(() => rm(home, { recursive: true }));

/** A program that does this with the address it is given. */
async function browserThat(work: string): Promise<string> {
  const path = join(home, 'browser.mjs');
  const imports = [
    "import { readdir, writeFile } from 'node:fs/promises';",
    `import { approveAndSignIn } from ${JSON.stringify(resolve('dev/local/person.ts'))};`,
    `import { Browser } from ${JSON.stringify(resolve('dev/browser/index.ts'))};`,
    `import { signInAs } from ${JSON.stringify(resolve('dev/entra/sign-in.ts'))};`,
  ];
  await writeFile(
    path,
    [`#!${process.execPath}`, ...imports, 'const url = new URL(process.argv[2]);', work].join('\n'),
  );
  await chmod(path, 0o755);
  return path;
}

/** A person who approves and signs in. */
const browserOf = (who: string) => browserThat(`await approveAndSignIn(url, '${who}', () => {});`);

/** The answer reaches the client as somebody has changed it. */
const browserThatChanges = (changes: string) =>
  browserThat(`
    const browser = new Browser();
    const picker = await browser.submit(await browser.open(url.href), { button: 'decision=approve' });
    const callback = url.searchParams.get('redirect_uri');
    const { url: answer } = await signInAs(browser, picker, 'ada', { stopAt: next => next.startsWith(callback) });
    const changed = new URL(answer);
    ${changes}
    await fetch(changed);
  `);

/** Runs the client, types these lines, and gives what it said. */
async function client(lines: string[], env: Record<string, string> = {}, url = server.mcpUrl) {
  const child = spawn(process.execPath, ['examples/client.ts', url], {
    env: { PATH: process.env.PATH, HOME: home, XDG_CONFIG_HOME: home, ...env },
  });
  child.stdin.end(`${lines.join('\n')}\n`);
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { output, errors, code };
}

const folder = () => join(home, 'mcp-example-client');
async function credentials() {
  const [name = ''] = await readdir(folder());
  return { path: join(folder(), name), ...JSON.parse(await readFile(join(folder(), name), 'utf8')) };
}

const [profile, save, list, remove, sum, about, signOut, quit] = ['1', '2', '3', '4', '5', '6', '7', '8'] as const;

test('signs in through the browser, uses every tool, and needs no browser the next time', async () => {
  const first = await client([profile, save, 'Buy tea', list, sum, '1 2 3.5', about, quit], {
    BROWSER: await browserOf('ada'),
  });
  expect(first.errors).toBe('');
  expect(first.code).toBe(0);
  expect(first.output).toContain('MCP 2026-07-28');
  expect(first.output).toContain('name: Ada Lovelace');
  expect(first.output).toContain('note: Buy tea');
  expect(first.output).toContain('sum: 6.5');
  expect(first.output).toContain('storage_reachable: true');

  const { path, tokens } = await credentials();
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  for (const secret of [tokens.access_token, tokens.refresh_token]) expect(first.output).not.toContain(secret);

  const id = /^ {2}- id: (\S+)$/m.exec(first.output)?.[1] ?? '';
  const kept = await client([remove, id, 'no', list, quit]);
  expect(kept.output).toContain('did not agree');
  expect(kept.output).toContain('note: Buy tea');
  const second = await client([remove, id, 'y', list, quit]);
  expect(second).toMatchObject({ code: 0, errors: '' });
  expect(second.output).toContain('Buy tea');
  expect(second.output).toContain('deleted: true');
  expect(second.output).toContain('notes: none');
  expect(second.output).not.toContain('Sign in');
});

test('renews an access token that is no longer good, and keeps the new ones', async () => {
  await client([quit], { BROWSER: await browserOf('ada') });
  const before = await credentials();
  const { path, ...rest } = before;
  await writeFile(path, JSON.stringify({ ...rest, tokens: { ...rest.tokens, access_token: 'expired' } }));

  const { output, code } = await client([profile, quit]);
  expect(code).toBe(0);
  expect(output).toContain('Ada Lovelace');
  expect(output).not.toContain('Sign in');
  const after = await credentials();
  expect(after.tokens.refresh_token).not.toBe(before.tokens.refresh_token);
  expect(after.tokens.access_token).not.toBe('expired');
  expect(after.client.client_id).toBe(before.client.client_id);
});

test('signing out ends the grant at the server; the next run signs in anew, with the same registration', async () => {
  await client([quit], { BROWSER: await browserOf('ada') });
  const before = await credentials();
  const { output } = await client([signOut]);
  expect(output).toContain('Signed out.');
  expect((await credentials()).tokens).toBeUndefined();

  const renewal = await fetch(`${server.origin}/oauth/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'refresh_token',
      refresh_token: before.tokens.refresh_token,
      client_id: before.client.client_id,
    }),
  });
  expect(await renewal.json()).toMatchObject({ error: 'invalid_grant' });

  const again = await client([profile, quit], { BROWSER: await browserOf('grace') });
  expect(again.output).toContain('Grace Hopper');
  expect((await credentials()).client.client_id).toBe(before.client.client_id);
});

test('a tool that needs more than was approved leads to the browser again, and then does its work', async () => {
  const BROWSER = await browserThat(`
    const asked = url.searchParams.get('scope').split(' ');
    const first = !(await readdir(${JSON.stringify(home)})).includes('came-before');
    await writeFile(${JSON.stringify(join(home, 'came-before'))}, '');
    const browser = new Browser();
    const scope = asked.filter(each => !first || each !== 'notes:write');
    const consent = await browser.open(url.href);
    const picker = await browser.submit(consent, { button: 'decision=approve', fields: { scope } });
    await signInAs(browser, picker, 'ada');`);
  const { output, errors, code } = await client([list, save, 'Mend the kettle', list, quit], { BROWSER });
  expect({ errors, code }).toEqual({ errors: '', code: 0 });
  expect(output.match(/Sign in in your browser/g)).toHaveLength(2);
  expect(output).toContain('note: Mend the kettle');
});

test('a refusal at sign-in is told', async () => {
  const { errors, code } = await client([quit], { BROWSER: await browserOf('disabled') });
  expect(code).toBe(1);
  expect(errors).toContain('The authorization server says: ');
  expect(errors).toContain('AADSTS50057');
  expect(errors).toContain('(access_denied)');
});

test.each([
  { what: 'another issuer', changes: "changed.searchParams.set('iss', 'https://elsewhere.example');" },
  { what: 'no issuer', changes: "changed.searchParams.delete('iss');" },
  {
    what: 'an error of another issuer',
    changes:
      "changed.search = '?error=access_denied&error_description=Call+us&iss=https://elsewhere.example&state=' + url.searchParams.get('state');",
  },
])('an answer of $what is refused, and its words are not shown', async ({ changes }) => {
  const { errors, code } = await client([quit], { BROWSER: await browserThatChanges(changes) });
  expect(code).toBe(1);
  expect(errors).toMatch(/issuer/i);
  expect(errors).not.toContain('Call us');
  expect((await credentials()).tokens).toBeUndefined();
});

test('an answer with another state is refused, and the real one still counts', async () => {
  const forged = `
    const forged = new URL(changed);
    forged.searchParams.set('state', 'forged');
    if ((await fetch(forged)).status !== 400) throw new Error('The forged answer was taken.');`;
  const { output, code } = await client([profile, quit], { BROWSER: await browserThatChanges(forged) });
  expect(code).toBe(0);
  expect(output).toContain('Ada Lovelace');
});

test('a mistake in the menu, or of a tool, is told and the menu goes on', async () => {
  const { output, code } = await client([remove, 'no-note', sum, '1 two', 'x', quit], {
    BROWSER: await browserOf('ada'),
  });
  expect(code).toBe(0);
  expect(output).toContain('The tool says: This is no id of a note.');
  expect(output).toContain('These are not all numbers.');
  expect(output).toContain('Choose a number from 1 to 8.');
});

test('where no browser can be opened, the address is printed', async () => {
  const child = spawn(process.execPath, ['examples/client.ts', server.mcpUrl], {
    env: { PATH: process.env.PATH, HOME: home, XDG_CONFIG_HOME: home, BROWSER: join(home, 'no-such-browser') },
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let output = '';
  for await (const part of child.stdout.setEncoding('utf8')) {
    output += part;
    if (/\/oauth\/authorize\?\S+\s/.test(output)) break;
  }
  expect(output).toContain('Sign in at this address:');
  child.kill();
  await once(child, 'close');
});

test('a server that is not there is told', async () => {
  const [port] = await freePorts(1);
  const { errors, code } = await client([quit], {}, `http://localhost:${port}/mcp`);
  expect(code).toBe(1);
  expect(errors).toBe('The server does not answer: ECONNREFUSED. Is it running there?\n');
});

test.each([
  { url: 'http://mcp.contoso.com/mcp', says: 'https' },
  { url: 'ftp://localhost/mcp', says: 'https' },
  { url: 'mcp', says: '--help' },
])('a wrong address is told ($url)', async ({ url, says }) => {
  const { errors, code } = await client([quit], {}, url);
  expect(code).toBe(1);
  expect(errors).toContain(says);
  expect(errors).not.toMatch(/^\s+at /m);
});

test('--help and unknown flags', async () => {
  expect((await client([], {}, '--help')).output).toContain('npm run client -- [url]');
  const unknown = await client([], {}, '--hlep');
  expect(unknown).toMatchObject({ code: 1, errors: expect.stringContaining('--hlep') });
});
