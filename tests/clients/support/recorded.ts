/** MCP clients as they were recorded on the wire: who sends what, in which shape. */

export interface RecordedClient {
  readonly name: string;
  /** How its first request comes, without a token. */
  readonly probe: 'GET' | 'HEAD' | 'POST';
  /** Where it looks for the resource metadata. */
  readonly looksAt: 'challenge' | 'root';
  /** The headers of its discovery, all of them. */
  readonly discovery: Readonly<Record<string, string>>;
  /** What its registration has besides what all send. */
  readonly registration: Readonly<Record<string, unknown>>;
  redirectUri(port: number): string;
  /** What it asks for, told the challenge's scopes and those of the authorization server. */
  scope(challenged: readonly string[], supported: readonly string[]): readonly string[];
  readonly prompt?: 'consent';
  readonly stateLength: number;
  readonly verifierLength: number;
  /** Whether it names the granted scopes when it renews, and which it adds. */
  readonly renewalScope?: { readonly adds: readonly string[] };
  /** The revision of its first message: from 2026-07-28 on there is no handshake. */
  readonly revision: '2025-06-18' | '2025-11-25' | '2026-07-28';
  /** Headers of its MCP messages that are not everybody's. */
  readonly mcpHeaders?: Readonly<Record<string, string>>;
  readonly sendsNoVersion?: true;
  readonly chunked?: true;
}

const OFFLINE = 'offline_access';
const challengeAndOffline: RecordedClient['scope'] = (challenged, supported) =>
  supported.includes(OFFLINE) ? [...challenged, OFFLINE] : challenged;
const challengeOnly: RecordedClient['scope'] = challenged => challenged;

/** As a library's user chooses it. */
const ofTheApplication = (port: number) => `http://localhost:${port}/callback`;

const ACCEPT_JSON = { accept: 'application/json' };
const SDK = {
  probe: 'POST',
  looksAt: 'challenge',
  discovery: { ...ACCEPT_JSON, 'mcp-protocol-version': '2025-11-25' },
  verifierLength: 43,
} as const;

export const RECORDED = {
  'Claude Code': {
    ...SDK,
    name: 'Claude Code',
    registration: { client_name: 'Claude Code', application_type: 'native' },
    redirectUri: port => `http://localhost:${port}/callback`,
    scope: challengeAndOffline,
    prompt: 'consent',
    stateLength: 43,
    revision: '2026-07-28',
  },
  Codex: {
    name: 'Codex',
    probe: 'GET',
    looksAt: 'challenge',
    discovery: { ...ACCEPT_JSON, 'mcp-protocol-version': '2024-11-05' },
    registration: { client_name: 'Codex', application_type: 'native' },
    redirectUri: port => `http://127.0.0.1:${port}/callback`,
    scope: challengeAndOffline,
    stateLength: 22,
    verifierLength: 43,
    renewalScope: { adds: [OFFLINE] },
    revision: '2025-06-18',
  },
  'Copilot CLI': {
    name: 'Copilot CLI',
    probe: 'POST',
    looksAt: 'challenge',
    discovery: { ...ACCEPT_JSON, 'mcp-protocol-version': '2026-07-28' },
    registration: { client_name: 'GitHub Copilot CLI' },
    redirectUri: port => `http://127.0.0.1:${port}/`,
    scope: challengeAndOffline,
    prompt: 'consent',
    stateLength: 43,
    verifierLength: 43,
    renewalScope: { adds: [] },
    revision: '2026-07-28',
  },
  'Gemini CLI': {
    name: 'Gemini CLI',
    probe: 'HEAD',
    looksAt: 'challenge',
    discovery: {},
    registration: { client_name: 'Gemini CLI MCP Client' },
    redirectUri: port => `http://localhost:${port}/oauth/callback`,
    scope: (_challenged, supported) => supported,
    stateLength: 22,
    verifierLength: 86,
    revision: '2025-06-18',
    sendsNoVersion: true,
  },
  'Qwen Code': {
    name: 'Qwen Code',
    probe: 'POST',
    looksAt: 'root',
    discovery: {},
    registration: { client_name: 'Qwen Code MCP Client', code_challenge_method: ['S256'] },
    redirectUri: () => 'http://localhost:7777/oauth/callback',
    scope: challengeOnly,
    stateLength: 22,
    verifierLength: 43,
    revision: '2025-11-25',
  },
  opencode: {
    ...SDK,
    name: 'opencode',
    registration: { client_name: 'OpenCode', client_uri: 'https://opencode.ai' },
    redirectUri: () => 'http://127.0.0.1:19876/mcp/oauth/callback',
    scope: challengeAndOffline,
    prompt: 'consent',
    stateLength: 64,
    revision: '2025-11-25',
  },
  'mcp-remote': {
    ...SDK,
    name: 'mcp-remote',
    probe: 'GET',
    discovery: ACCEPT_JSON,
    registration: {
      client_name: 'MCP CLI Proxy',
      application_type: 'native',
      client_uri: 'https://github.com/modelcontextprotocol/mcp-cli',
      software_id: '2e6dc280-f3c3-4e01-99a7-8181dbd1d23d',
      software_version: '0.15.1',
    },
    redirectUri: port => `http://localhost:${port}/oauth/callback`,
    scope: challengeAndOffline,
    prompt: 'consent',
    stateLength: 36,
    renewalScope: { adds: [] },
    revision: '2025-11-25',
  },
  Inspector: {
    ...SDK,
    name: 'Inspector',
    registration: {
      client_name: 'MCP Inspector',
      application_type: 'native',
      client_uri: 'https://github.com/modelcontextprotocol/inspector',
    },
    redirectUri: () => 'http://127.0.0.1:6276/oauth/callback',
    scope: challengeAndOffline,
    prompt: 'consent',
    stateLength: 64,
    revision: '2025-11-25',
  },
  mcporter: {
    ...SDK,
    name: 'mcporter',
    discovery: {
      accept: 'application/json, text/event-stream, application/json',
      'mcp-protocol-version': '2025-11-25',
    },
    registration: { client_name: 'mcporter' },
    redirectUri: port => `http://127.0.0.1:${port}/callback`,
    scope: challengeOnly,
    stateLength: 36,
    revision: '2025-11-25',
    mcpHeaders: { accept: 'application/json, text/event-stream, application/json' },
  },
  'TypeScript SDK 2': {
    ...SDK,
    name: 'TypeScript SDK 2',
    registration: { client_name: 'An application', application_type: 'native' },
    redirectUri: ofTheApplication,
    scope: challengeAndOffline,
    prompt: 'consent',
    stateLength: 22,
    revision: '2026-07-28',
  },
  'TypeScript SDK 1': {
    ...SDK,
    name: 'TypeScript SDK 1',
    registration: { client_name: 'An application' },
    redirectUri: ofTheApplication,
    scope: challengeOnly,
    stateLength: 22,
    revision: '2025-11-25',
  },
  LangChain: {
    ...SDK,
    name: 'LangChain',
    registration: { client_name: 'LangChain' },
    redirectUri: ofTheApplication,
    scope: challengeOnly,
    stateLength: 22,
    revision: '2025-11-25',
  },
  'AI SDK': {
    ...SDK,
    name: 'AI SDK',
    discovery: { ...ACCEPT_JSON, 'mcp-protocol-version': '2026-07-28' },
    registration: { client_name: 'AI SDK', application_type: 'native' },
    redirectUri: ofTheApplication,
    scope: challengeOnly,
    stateLength: 22,
    revision: '2026-07-28',
  },
  'C# SDK': {
    name: 'C# SDK',
    probe: 'POST',
    looksAt: 'challenge',
    discovery: {},
    registration: {
      client_name: 'A .NET application',
      application_type: 'native',
      token_endpoint_auth_method: 'client_secret_post',
    },
    redirectUri: ofTheApplication,
    scope: (challenged, supported) => challengeAndOffline([...challenged].sort(), supported),
    stateLength: 43,
    verifierLength: 43,
    revision: '2026-07-28',
    chunked: true,
  },
} as const satisfies Record<string, RecordedClient>;
