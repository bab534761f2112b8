import type { Mutation } from '../mutation.ts';

const GUARD = 'src/access/guard.ts';
const DOOR = 'src/access/door.ts';
const ENDPOINT = 'src/mcp/endpoint.ts';
const GUARD_TESTS = ['tests/unit/access/guard.test.ts'];
const ENDPOINT_TESTS = ['tests/integration/mcp/endpoint.test.ts'];
const DPOP_TESTS = ['tests/integration/oauth/dpop.test.ts'];
const ORIGIN_TESTS = ['tests/unit/access/origin.test.ts'];

/** Who may call, and in which order that is asked. */
export const guard: Mutation[] = [
  {
    name: 'endpoint: nothing without a token',
    rule: 'RFC 6750, 3',
    file: DOOR,
    edits: [
      [
        '    if (token instanceof Response) return token;',
        "    if (token instanceof Response && request.method === 'POST') return token;\n    if (token instanceof Response) return jsonRpcError(405, REFUSED, 'Send messages by POST.');",
      ],
    ],
    tests: ENDPOINT_TESTS,
  },
  {
    name: 'endpoint: an origin that may call',
    rule: 'MCP Streamable HTTP, security warning',
    file: DOOR,
    edits: [['    if (origin !== null && !options.isOriginAllowed(origin)) {', '    if (false) {']],
    tests: ENDPOINT_TESTS,
  },
  {
    name: 'endpoint: POST alone',
    rule: 'MCP Streamable HTTP, listening for messages',
    file: DOOR,
    edits: [['    if (!options.methods.includes(request.method)) {', "    if (request.method === 'TRACE') {"]],
    tests: ENDPOINT_TESTS,
  },
  {
    name: 'endpoint: scopes before anything runs',
    rule: 'RFC 6750, 3.1 (insufficient_scope)',
    file: ENDPOINT,
    edits: [['    if (refused) return refused;\n', '']],
    tests: ENDPOINT_TESTS,
  },
  {
    name: 'endpoint: so many messages a minute',
    rule: 'MCP tools, security considerations',
    file: DOOR,
    edits: [['    if (tooOften) return tooOften;\n', '']],
    tests: ['tests/integration/mcp/rate-limit.test.ts'],
  },
  {
    name: 'endpoint: each message of a batch counts',
    rule: 'MCP tools, security considerations',
    file: ENDPOINT,
    edits: [['    if (tooLong) return tooLong;\n', '']],
    tests: ['tests/integration/mcp/rate-limit.test.ts'],
  },
  {
    name: 'endpoint: nothing to listen for',
    rule: 'MCP 2026-07-28, subscriptions',
    file: ENDPOINT,
    edits: [
      [
        "messagesOf(body)[0]?.method === 'subscriptions/listen'",
        "messagesOf(body)[0]?.method === 'subscriptions/none'",
      ],
    ],
    tests: ENDPOINT_TESTS,
    only: 'subscriptions/listen',
  },
  {
    name: 'endpoint: the length of a body',
    rule: 'OWASP ASVS 5, 4.3',
    file: ENDPOINT,
    edits: [['readJson(request, BODY_LIMIT)', 'readJson(request, 99 * BODY_LIMIT)']],
    tests: ['tests/attacks/oversize.test.ts'],
  },
  {
    name: 'neededScopes: every message of a batch',
    rule: 'RFC 6750, 3.1 (insufficient_scope)',
    file: 'src/mcp/needed-scopes.ts',
    edits: [['of messagesOf(body)) {', 'of messagesOf(body).slice(0, 1)) {']],
    tests: ENDPOINT_TESTS,
  },
  {
    name: 'neededScopes: reading a resource',
    rule: 'RFC 6750, 3.1 (insufficient_scope)',
    file: 'src/mcp/needed-scopes.ts',
    edits: [['      return scopesOfUri(catalogue, text(params.uri));', '      return [];']],
    tests: ENDPOINT_TESTS,
  },
  {
    name: 'neededScopes: listing resources',
    rule: 'RFC 6750, 3.1 (insufficient_scope)',
    file: 'src/mcp/needed-scopes.ts',
    edits: [['      return scopesOfList(catalogue, covered);', '      return [];']],
    tests: ENDPOINT_TESTS,
  },
  {
    name: 'covers: each scope that is needed',
    rule: 'RFC 6750, 3.1 (insufficient_scope)',
    file: 'src/access/scopes.ts',
    edits: [
      [
        '  for (const scope of needed) if (!covered.has(scope)) return false;\n',
        '  for (const scope of needed) if (covered.has(scope)) return true;\n',
      ],
    ],
    tests: ENDPOINT_TESTS,
  },
  {
    name: 'coveredBy: only what a scope says that it brings',
    rule: 'RFC 6750, 3.1 (insufficient_scope)',
    file: 'src/access/scopes.ts',
    edits: [['[scope, ...(implied.get(scope) ?? [])]', '[scope, ...[...implied.values()].flat()]']],
    tests: ['tests/unit/access/declared-scopes.test.ts'],
  },
  {
    name: 'guard: one token in the header',
    rule: 'RFC 6750, 2.1',
    file: GUARD,
    edits: [[' *$/i;', '/i;']],
    tests: GUARD_TESTS,
  },
  {
    name: 'guard: a token that was revoked',
    rule: 'RFC 7009, 2.1',
    file: GUARD,
    edits: [['        if (await options.revocations.isRevoked(token)) {', '        if (false) {']],
    tests: GUARD_TESTS,
  },
  {
    name: 'guard: a bound token is no bearer token',
    rule: 'RFC 9449, 7.1',
    file: GUARD,
    edits: [['      if (token.jkt !== undefined) throw', '      if (false) throw']],
    tests: DPOP_TESTS,
  },
  {
    name: 'guard: a bearer token is no bound one',
    rule: 'RFC 9449, 7.1',
    file: GUARD,
    edits: [
      [
        "    if (token.jkt === undefined) throw new InvalidTokenError('has no key', { client: token.clientId });",
        '    if (token.jkt === undefined) return;',
      ],
    ],
    tests: DPOP_TESTS,
  },
  {
    name: 'guard: the key that the token is bound to',
    rule: 'RFC 9449, 4.3, 12',
    file: GUARD,
    edits: [['    if (jkt !== token.jkt) throw', '    if (jkt === undefined) throw']],
    tests: DPOP_TESTS,
  },
  {
    name: 'guard: the proof is of this token',
    rule: 'RFC 9449, 4.3, 12 (ath)',
    file: GUARD,
    edits: [[', url: options.resource, accessToken: jwt }', ', url: options.resource }']],
    tests: DPOP_TESTS,
  },
  {
    name: 'guard: possession is asked for each request',
    rule: 'RFC 9449, 7.1',
    file: GUARD,
    edits: [['        await checkPossession(token, { scheme, jwt }, request);\n', '']],
    tests: DPOP_TESTS,
  },
  {
    name: 'token cache: a token that has expired meanwhile',
    rule: 'RFC 9068, 4',
    file: 'src/access/token-cache.ts',
    edits: [['known && known.expiresAt > now ? known', 'known ? known']],
    tests: GUARD_TESTS,
  },
  {
    name: 'token cache: a key that is gone',
    rule: 'RFC 9068, 4',
    file: 'src/access/token-cache.ts',
    edits: [['      this.#verified.clear();\n', '']],
    tests: GUARD_TESTS,
  },
  {
    name: 'token cache: the whole token',
    rule: 'RFC 9068, 4',
    file: 'src/access/token-cache.ts',
    edits: [['tokenHash(jwt)', 'tokenHash(jwt.slice(0, -1))']],
    tests: GUARD_TESTS,
  },
  {
    name: 'isOriginAllowed: an origin as it is serialized',
    rule: 'MCP Streamable HTTP, security warning',
    file: 'src/access/origin.ts',
    edits: [['!url || url.origin !== origin', '!url']],
    tests: ORIGIN_TESTS,
  },
  {
    name: 'isOriginAllowed: loopback pages alone on loopback',
    rule: 'MCP Streamable HTTP, security warning',
    file: 'src/access/origin.ts',
    edits: [['    if (onLoopback) return isLoopback(url);\n', '    if (onLoopback && isLoopback(url)) return true;\n']],
    tests: ORIGIN_TESTS,
  },
  {
    name: 'isOriginAllowed: the list',
    rule: 'ALLOWED_ORIGINS',
    file: 'src/access/origin.ts',
    edits: [['listed.size > 0 ? listed.has(origin) : url', 'url']],
    tests: ORIGIN_TESTS,
  },
  {
    name: 'isOriginAllowed: https',
    rule: 'MCP Streamable HTTP, security warning',
    file: 'src/access/origin.ts',
    edits: [["url.protocol === 'https:'", "url.protocol !== 'null:'"]],
    tests: ORIGIN_TESTS,
  },
];
