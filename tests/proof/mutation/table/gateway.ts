import type { Mutation } from '../mutation.ts';

const ATTACKS = ['tests/attacks/gateway.test.ts'];
const CALLS = ['tests/integration/gateway/calls.test.ts'];
const BOTH = [...ATTACKS, ...CALLS];
const at = (name: string) => `src/gateway/${name}.ts`;

/** What goes on to a server behind the gateway, and what comes back. */
export const gateway: Mutation[] = [
  {
    name: 'gateway: a session of this person',
    rule: 'MCP Streamable HTTP, session management',
    file: at('session-id'),
    edits: [
      [
        'GatewayUpstream): string {\n  return `',
        'GatewayUpstream): string {\n  return name + url + typeof person || `',
      ],
    ],
    tests: ATTACKS,
  },
  {
    name: 'gateway: a session at this server',
    rule: 'MCP Streamable HTTP, session management',
    file: at('session-id'),
    edits: [
      [
        'GatewayUpstream): string {\n  return `',
        'GatewayUpstream): string {\n  return personKey(person) + typeof name + typeof url || `',
      ],
    ],
    tests: ATTACKS,
  },
  {
    name: 'gateway: no redirect',
    rule: 'MCP security best practices, SSRF',
    file: at('forward'),
    edits: [["redirect: 'manual'", "redirect: 'follow'"]],
    tests: ATTACKS,
  },
  {
    name: 'gateway: the token is one of ours for the server',
    rule: 'MCP authorization, token passthrough',
    file: at('request-headers'),
    edits: [['authorization: `Bearer $', "authorization: headers.get('authorization') ?? `Bearer $"]],
    tests: BOTH,
  },
  {
    name: 'gateway: headers of the list',
    rule: 'GATEWAY_UPSTREAMS',
    file: at('request-headers'),
    edits: [['of COPIED) copy(name)', 'of headers.keys()) if (!(name in sent)) copy(name)']],
    tests: CALLS,
  },
  {
    name: 'gateway: Mcp-Method and Mcp-Name as in the message',
    rule: 'MCP 2026-07-28, standard headers',
    file: at('request-headers'),
    edits: [['  if (!isSame) throw', '  if (sent === undefined && !isSame) throw']],
    tests: ATTACKS,
  },
  {
    name: 'gateway: Mcp-Name is what the method is about',
    rule: 'MCP 2026-07-28, standard headers',
    file: at('message'),
    edits: [
      ['const subject = params && ', "const subject = typeof params?.uri === 'string' ? params.uri : params && "],
    ],
    tests: ATTACKS,
  },
  {
    name: 'gateway: headers that repeat an argument',
    rule: 'MCP 2026-07-28, x-mcp-header',
    file: at('request-headers'),
    edits: [['values.has(decoded(value))', 'values.size >= 0']],
    tests: ATTACKS,
  },
  {
    name: 'gateway: one message',
    rule: 'JSON-RPC 2.0, 6',
    file: at('message'),
    edits: [['if (Array.isArray(body)) throw', 'if (Array.isArray(body) && body.length > 9) throw']],
    tests: CALLS,
  },
  {
    name: 'gateway: no key twice',
    rule: 'RFC 8259, 4',
    file: at('message'),
    edits: [['  if (repeatsKey(text)) throw', '  if (text === String(repeatsKey)) throw']],
    tests: ATTACKS,
  },
  {
    name: 'gateway: no other key',
    rule: 'JSON-RPC 2.0, 4',
    file: at('message'),
    edits: [['  if (unknown !== undefined) throw', '  if (unknown === text) throw']],
    tests: ATTACKS,
  },
  {
    name: 'gateway: a name in one spelling',
    rule: 'GATEWAY_TOOLS',
    file: at('message'),
    edits: [['    if (twin) throw', '    if (false) throw']],
    tests: ATTACKS,
  },
  {
    name: 'gateway: a method in one spelling',
    rule: 'GATEWAY_TOOLS',
    file: at('message'),
    edits: [['KNOWN.has(folded(method))', 'KNOWN.has(method)']],
    tests: ATTACKS,
  },
  {
    name: 'gateway: a tool that is allowed',
    rule: 'GATEWAY_TOOLS',
    file: at('allow-use'),
    edits: [['  if (!isAllowed) throw', '  if (isAllowed === undefined) throw']],
    tests: BOTH,
  },
  {
    name: 'gateway: a list of the tools that are allowed',
    rule: 'GATEWAY_TOOLS',
    file: at('tool-filter'),
    edits: [
      ['isToolAllowed(rules, roles, nameOf(tool))', "isToolAllowed(rules, roles, nameOf(tool)) || nameOf(tool) !== ''"],
    ],
    tests: CALLS,
  },
  {
    name: 'isToolAllowed: look-alikes of a denied name',
    rule: 'GATEWAY_TOOLS',
    file: 'src/access/tool-rules.ts',
    edits: [['matches(folded(pattern), alike)', 'matches(pattern, tool || alike)']],
    tests: ['tests/unit/access/resources.test.ts'],
  },
  {
    name: 'gateway: the answer to this request',
    rule: 'JSON-RPC 2.0, 5',
    file: at('answer'),
    edits: [['  if (isAnswer && !isExpected) throw', '  if (isAnswer && !isExpected && !message) throw']],
    tests: BOTH,
  },
  {
    name: 'gateway: one answer',
    rule: 'JSON-RPC 2.0, 5',
    file: at('answer'),
    edits: [['        if (isAnswered) throw', '        if (isAnswered && !call.message) throw']],
    tests: CALLS,
  },
  {
    name: 'gateway: how large an answer may be',
    rule: 'GATEWAY_MAX_BYTES',
    file: at('answer'),
    edits: [['      if (length > limit) throw', '      if (length > 99 * limit) throw']],
    tests: CALLS,
  },
  {
    name: 'gateway: how large an event may be',
    rule: 'GATEWAY_MAX_BYTES',
    file: at('event-reader'),
    edits: [['    if (this.#length > this.#limit) throw', '    if (this.#length > 99 * this.#limit) throw']],
    tests: CALLS,
  },
  {
    name: 'gateway: how large a stream may be',
    rule: 'GATEWAY_MAX_BYTES',
    file: at('relay-events'),
    edits: [['      if (length > total) throw', '      if (length > 99 * total) throw']],
    tests: ATTACKS,
  },
  {
    name: 'gateway: which refusals are the client’s',
    rule: 'MCP authorization, token passthrough',
    file: at('answer'),
    edits: [['CLIENT_ERRORS.has(status) ?', 'CLIENT_ERRORS.size > 0 ?']],
    tests: BOTH,
  },
  {
    name: 'gateway: so many calls of a person',
    rule: 'GATEWAY_UPSTREAMS',
    file: 'src/access/slots.ts',
    edits: [[' || (taken.get(person) ?? 0) >= each', '']],
    tests: [...CALLS, 'tests/integration/mcp/long-work.test.ts'],
  },
  {
    name: 'callTool: places are given back',
    rule: 'callsAtOnce',
    file: 'src/mcp/call-tool.ts',
    edits: [['    leave?.();\n', '']],
    tests: ['tests/integration/mcp/long-work.test.ts'],
  },
  {
    name: 'gateway: so many calls of all',
    rule: 'GATEWAY_UPSTREAMS',
    file: at('forward'),
    edits: [['{ all: 64, each: 16 }', '{ all: 6400, each: 16 }']],
    tests: ['tests/unit/gateway/forward.test.ts'],
  },
  {
    name: 'gateway: so many streams to listen',
    rule: 'GATEWAY_UPSTREAMS',
    file: at('forward'),
    edits: [['{ all: 256, each: 32 }', '{ all: 256, each: 33 }']],
    tests: ['tests/unit/gateway/forward.test.ts'],
  },
  {
    name: 'gateway: how long an answer may take in all',
    rule: 'GATEWAY_UPSTREAMS',
    file: at('forward'),
    edits: [['const TOTAL_MS = 200_000', 'const TOTAL_MS = 300_000']],
    tests: ['tests/unit/gateway/forward.test.ts'],
  },
  {
    name: 'gateway: places are given back',
    rule: 'GATEWAY_UPSTREAMS',
    file: at('forward'),
    edits: [['    slot();\n', '']],
    tests: CALLS,
  },
  {
    name: 'gateway: places are given back where nobody reads',
    rule: 'GATEWAY_UPSTREAMS',
    file: at('forward'),
    edits: [["  stop.signal.addEventListener('abort', slot);\n", '']],
    tests: ATTACKS,
  },
];
