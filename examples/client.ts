/**
 * An interactive client for an MCP server that wants a sign-in: `npm run client -- [url]`.
 *
 * It finds the server's authorization server, registers itself there, sends the person to the browser, keeps the tokens
 * for the next time, and offers a menu of the server's tools. To read it from the inside: client/sign-in.ts is the OAuth
 * part, client/session.ts the connection.
 */
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { OAuthError } from '@modelcontextprotocol/client';
import { openBrowser } from './client/browser.ts';
import { CredentialFile, configFolder } from './client/credentials.ts';
import { answerForm } from './client/form.ts';
import { startReceiver } from './client/loopback.ts';
import { type Ask, choices, plain } from './client/menu.ts';
import { Session } from './client/session.ts';
import { SignIn } from './client/sign-in.ts';

const help = `npm run client -- [url]: signs in to an MCP server and offers its tools.

  url      the server's MCP endpoint (http://localhost:7071/mcp)
  --help   shows this

Settings (environment variables)
  BROWSER           a program that opens the address it is given
  XDG_CONFIG_HOME   where the credentials are kept (~/.config; other places on macOS and Windows)`;

try {
  const { values, positionals } = parseArgs({ options: { help: { type: 'boolean' } }, allowPositionals: true });
  if (values.help) console.log(help);
  else await main(serverUrlFrom(positionals));
} catch (error) {
  console.error(explain(error));
  process.exitCode = 1;
}

async function main(url: URL): Promise<void> {
  const store = new CredentialFile(url, configFolder());
  const receiver = await startReceiver(await lastPort(store));
  const signIn = new SignIn({ clientName: 'Example MCP client', store, receiver, show });
  const terminal = openTerminal();
  const session = new Session({
    url,
    signIn,
    about: { name: 'example-mcp-client', version: '1.0.0' },
    answerForm: question => answerForm(question, terminal.ask, console.log),
  });
  try {
    await session.connect();
    const server = session.client.getServerVersion();
    console.log(`Connected to ${url}`);
    console.log(plain(`${server?.name} ${server?.version}, MCP ${session.client.getNegotiatedProtocolVersion()}`));
    await menu(session, terminal.ask, () => signOut(signIn, url));
  } finally {
    terminal.close();
    await session.close();
    await receiver.close();
  }
}

/** The lines that the person types. */
function openTerminal(): { ask: Ask; close(): void } {
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  // While a line is asked for, Ctrl-C comes here.
  terminal.on('SIGINT', () => {
    terminal.close();
    process.kill(process.pid, 'SIGINT');
  });
  // Not `question`: it loses lines that arrive, from a pipe say, while nothing is asked.
  const lines = terminal[Symbol.asyncIterator]();
  let open = true;
  terminal.once('close', () => {
    open = false;
  });
  const ask: Ask = async question => {
    terminal.setPrompt(question);
    // After the end of a pipe there may still be lines that were read before.
    if (open) terminal.prompt();
    const { value, done } = await lines.next();
    return done ? undefined : value;
  };
  return { ask, close: () => terminal.close() };
}

async function menu(session: Session, ask: Ask, leave: () => Promise<void>): Promise<void> {
  const text = [...choices.map(({ title }) => title), 'Sign out', 'Quit'].map((title, n) => `  ${n + 1}  ${title}`);
  for (;;) {
    console.log(`\n${text.join('\n')}`);
    const answer = await ask('> ');
    const number = Number(answer);
    if (answer === undefined || number === choices.length + 2) return;
    if (number === choices.length + 1) return await leave();
    const choice = choices[number - 1];
    if (choice === undefined) {
      console.log(`Choose a number from 1 to ${choices.length + 2}.`);
      continue;
    }
    try {
      await choice.run(session, ask, console.log);
    } catch (error) {
      console.error(explain(error));
    }
  }
}

async function show(page: URL): Promise<void> {
  const opened = await openBrowser(page);
  console.log(opened ? 'Sign in in your browser. If it does not open, go to:' : 'Sign in at this address:');
  console.log(`\n  ${page}\n`);
}

async function signOut(signIn: SignIn, url: URL): Promise<void> {
  const ended = await signIn.signOut(url);
  console.log(ended ? 'Signed out.' : 'Signed out here. The server cannot be told: its tokens end by themselves.');
}

/** The port of the last sign-in: what was registered there stays right if this run has it again. */
async function lastPort(store: CredentialFile): Promise<number | undefined> {
  const { client } = await store.load();
  const [redirectUri] = client !== undefined && 'redirect_uris' in client ? client.redirect_uris : [];
  return redirectUri === undefined ? undefined : Number(new URL(redirectUri).port);
}

function serverUrlFrom([text = 'http://localhost:7071/mcp', ...more]: string[]): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (more.length > 0 || url === undefined) throw new Error('Expected one URL. npm run client -- --help shows more.');
  const onThisMachine = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && onThisMachine)) {
    throw new Error(`Expected an https URL (http for this machine only): tokens must not travel in the clear.`);
  }
  return url;
}

/** The words for a person. */
function explain(error: unknown): string {
  if (error instanceof OAuthError)
    return `The authorization server says: ${plain(error.message)} (${plain(error.code)})`;
  if (!(error instanceof Error)) return plain(String(error));
  const cause = lastCause(error);
  if ('code' in cause && /^E[A-Z]+$/.test(String(cause.code))) {
    return `The server does not answer: ${cause.code}. Is it running there?`;
  }
  return plain(cause === error ? error.message : `${error.message} (${cause.message})`);
}

function lastCause(error: Error): Error {
  return error.cause instanceof Error ? lastCause(error.cause) : error;
}
