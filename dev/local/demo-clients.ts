/** The two clients of the demo: the newest revision of the protocol, and what most people have today. */
import { UnauthorizedError } from '@modelcontextprotocol/sdk/client/auth.js';
import { Client } from '@modelcontextprotocol/sdk/client/index.js';
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js';
import { Session } from '../../examples/client/session.ts';
import type { SignIn } from '../../examples/client/sign-in.ts';

export interface DemoClient {
  /** Connects, with a sign-in where the server wants one. Gives the negotiated revision of the protocol. */
  connect(): Promise<string | undefined>;
  toolNames(): Promise<string[]>;
  /** @returns the structured result; throws with the tool's own words when it could not */
  call(name: string, args?: Record<string, unknown>): Promise<Record<string, unknown>>;
  close(): Promise<void>;
}

export interface DemoClientOptions {
  url: URL;
  signIn: SignIn;
  fetch: typeof fetch;
}

const about = { name: 'demo', version: '1.0.0' };

/** `@modelcontextprotocol/client` 2.x, which asks for the newest revision first. */
export function newestClient(options: DemoClientOptions): DemoClient {
  const session = new Session({ ...options, about });
  return {
    connect: async () => {
      await session.connect();
      return session.client.getNegotiatedProtocolVersion();
    },
    toolNames: async () => (await session.client.listTools()).tools.map(({ name }) => name),
    call: async (name, args) => resultOf(name, await session.call(name, args)),
    close: () => session.close(),
  };
}

/** `@modelcontextprotocol/sdk` 1.x, which begins with the handshake of the older revisions. */
export function olderClient({ url, signIn, fetch }: DemoClientOptions): DemoClient {
  const client = new Client(about);
  const newTransport = () => new StreamableHTTPClientTransport(url, { authProvider: signIn, fetch });
  let revision: string | undefined;
  const connect = async (transport: StreamableHTTPClientTransport) => {
    await client.connect(transport);
    revision = transport.protocolVersion;
  };
  return {
    connect: async () => {
      const first = newTransport();
      try {
        await connect(first);
      } catch (error) {
        if (!(error instanceof UnauthorizedError)) throw error;
        const answer = await signIn.answer();
        const code = answer.get('code');
        if (code === null) throw new Error(`The sign-in ended with: ${answer}`);
        await first.finishAuth(code);
        await connect(newTransport());
      }
      return revision;
    },
    toolNames: async () => (await client.listTools()).tools.map(({ name }) => name),
    call: async (name, args = {}) => resultOf(name, await client.callTool({ name, arguments: args })),
    close: () => client.close(),
  };
}

type ToolResult = { [member: string]: unknown };

function resultOf(name: string, { content, structuredContent, isError }: ToolResult): Record<string, unknown> {
  if (isError) throw new Error(`${name} says: ${JSON.stringify(content)}`);
  if (typeof structuredContent !== 'object' || structuredContent === null) {
    throw new Error(`${name} gave no structured content: ${JSON.stringify(content)}`);
  }
  return { ...structuredContent };
}
