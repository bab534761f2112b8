/** A connection to an MCP server on which the person is sent to sign in whenever the server wants it. */
import {
  type CallToolResult,
  Client,
  type ElicitRequestFormParams,
  type ElicitResult,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client';
import type { SignIn } from './sign-in.ts';

export interface SessionOptions {
  /** The server's MCP endpoint. */
  url: URL;
  signIn: SignIn;
  /** What the client tells the server of itself. */
  about: { name: string; version: string };
  /** Has the person answer what a tool asks while it works; absent: tools know that they cannot ask. */
  answerForm?: (question: ElicitRequestFormParams) => Promise<ElicitResult>;
  /** All requests go through it, those of the sign-in too; absent: the global one. */
  fetch?: typeof fetch;
}

export class Session {
  readonly client: Client;
  readonly #options: SessionOptions;
  #transport: StreamableHTTPClientTransport;

  constructor(options: SessionOptions) {
    this.#options = options;
    this.#transport = this.#newTransport();
    const { about, answerForm } = options;
    this.client = new Client(about, {
      // The newest revision of the protocol if the server speaks it, else the older ones' handshake.
      versionNegotiation: { mode: 'auto' },
      capabilities: answerForm ? { elicitation: { form: {} } } : {},
    });
    if (answerForm) {
      this.client.setRequestHandler('elicitation/create', ({ params }) =>
        params.mode === 'url' ? { action: 'decline' } : answerForm(params),
      );
    }
  }

  /** @throws what the SDK throws: OAuth errors, HTTP errors, `TypeError` when no server answers */
  async connect(): Promise<void> {
    await this.#signedIn(() => {
      // A transport connects once.
      this.#transport = this.#newTransport();
      return this.client.connect(this.#transport);
    });
  }

  /** Calls a tool. A result with `isError` is the tool's own way to say that it could not. */
  async call(name: string, args: Record<string, unknown> = {}): Promise<CallToolResult> {
    return this.#signedIn(() => this.client.callTool({ name, arguments: args }));
  }

  async close(): Promise<void> {
    await this.client.close();
  }

  /** Does `work`; when it wants a sign-in (a first one, or one for more scopes), waits for that and does it once more. */
  async #signedIn<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof UnauthorizedError)) throw error;
      await this.#transport.finishAuth(await this.#options.signIn.answer());
      return work();
    }
  }

  #newTransport(): StreamableHTTPClientTransport {
    const { url, signIn, fetch } = this.#options;
    return new StreamableHTTPClientTransport(url, { authProvider: signIn, ...(fetch && { fetch }) });
  }
}
