import type { Mutation } from '../mutation.ts';

const TOKEN = 'src/access/access-token.ts';
const DPOP = 'src/access/dpop.ts';
const LIST = 'src/access/revocation-list.ts';
const GUARD_TESTS = ['tests/unit/access/guard.test.ts'];
const DPOP_TESTS = ['tests/unit/access/dpop.test.ts'];
const LIST_TESTS = ['tests/unit/access/revocation-list.test.ts'];

const accessToken: Mutation[] = [
  {
    name: 'access token: its signature',
    rule: 'RFC 9068, 4',
    file: TOKEN,
    edits: [
      [
        '    const { payload } = await jwtVerify(jwt, key, {',
        '    const { payload } = await (async (..._: unknown[]) => ({ payload: decodeJwt(jwt) }))(jwt, key, {',
      ],
    ],
    tests: GUARD_TESTS,
  },
  {
    name: 'access token: typ',
    rule: 'RFC 9068, 4',
    file: TOKEN,
    edits: [['      typ: TYPE,\n      issuer', '      issuer']],
    tests: GUARD_TESTS,
  },
  {
    name: 'access token: iss',
    rule: 'RFC 9068, 4',
    file: TOKEN,
    edits: [['      issuer: expected.issuer,\n', '']],
    tests: GUARD_TESTS,
  },
  {
    name: 'access token: aud',
    rule: 'RFC 9068, 4',
    file: TOKEN,
    edits: [['      audience: ', '      unchecked: ']],
    tests: GUARD_TESTS,
  },
  {
    name: 'access token: one audience',
    rule: 'RFC 9068, 5',
    file: TOKEN,
    edits: [["    if (typeof payload.aud !== 'string') throw", '    if (false) throw']],
    tests: GUARD_TESTS,
  },
  {
    name: 'access token: exp, without the skew',
    rule: 'RFC 9068, 4',
    file: TOKEN,
    edits: [['    if (expiresAt <= now) throw', '    if (false) throw']],
    tests: GUARD_TESTS,
  },
  {
    name: 'access token: issued in the future',
    rule: 'RFC 7519, 4.1.6',
    file: TOKEN,
    edits: [['    if (issuedAt > now + CLOCK_SKEW) {', '    if (false) {']],
    tests: GUARD_TESTS,
  },
  {
    name: 'access token: the claims that it must have',
    rule: 'RFC 9068, 2.2',
    file: TOKEN,
    edits: [[", 'client_id', 'scope', 'gid', 'auth_time', 'tid', 'oid'],", '],']],
    tests: GUARD_TESTS,
  },
  {
    name: 'access token: a confirmation that cannot be checked',
    rule: 'RFC 7800, 3.1',
    file: TOKEN,
    edits: [
      [
        "  throw new InvalidTokenError('malformed', { got: 'cnf of an unknown kind', expected: 'jkt' });",
        '  return undefined;',
      ],
    ],
    tests: ['tests/integration/oauth/dpop.test.ts'],
  },
  {
    name: 'access token: name and e-mail only with profile',
    rule: 'RFC 9068, 6',
    file: TOKEN,
    edits: [["token.scopes.includes('profile')", 'token.scopes.length > 0']],
    tests: ['tests/integration/oauth/code.test.ts'],
  },
  {
    name: 'key ring: a key that only opens verifies no token',
    rule: 'NIST SP 800-57, 5.3',
    file: 'src/keys/key-ring.ts',
    edits: [['all.filter(keys => !keys.opensOnly)', 'all']],
    tests: ['tests/unit/keys/key-ring.test.ts'],
  },
];

const proof: Mutation[] = [
  {
    name: 'proof: one, and not too long',
    rule: 'RFC 9449, 4.3, 1',
    file: DPOP,
    edits: [['  if (proof.length > LONGEST_PROOF || !', '  if (!']],
    tests: DPOP_TESTS,
  },
  {
    name: 'proof: typ',
    rule: 'RFC 9449, 4.3, 4',
    file: DPOP,
    edits: [["      typ: 'dpop+jwt',\n", '']],
    tests: DPOP_TESTS,
  },
  {
    name: 'proof: alg',
    rule: 'RFC 9449, 4.3, 5',
    file: DPOP,
    edits: [['      algorithms: [...DPOP_ALGORITHMS],\n', '']],
    tests: DPOP_TESTS,
  },
  {
    name: 'proof: htm',
    rule: 'RFC 9449, 4.3, 8',
    file: DPOP,
    edits: [
      [
        "  if (claims.htm !== method) throw new ProofFault('The htm of the proof is not the method of the request.');\n",
        '  void method;\n',
      ],
    ],
    tests: DPOP_TESTS,
  },
  {
    name: 'proof: htu',
    rule: 'RFC 9449, 4.3, 9',
    file: DPOP,
    edits: [['  if (!isSameUrl(claims.htu, url)) throw', '  if (false) throw']],
    tests: DPOP_TESTS,
  },
  {
    name: 'proof: htu, its path',
    rule: 'RFC 9449, 4.3, 9',
    file: DPOP,
    edits: [[' && path === own.pathname', ' && path !== undefined']],
    tests: DPOP_TESTS,
  },
  {
    name: 'proof: ath',
    rule: 'RFC 9449, 4.3, 12',
    file: DPOP,
    edits: [['  if (accessToken !== undefined && claims.ath !== tokenHash(accessToken)) {', '  if (false) {']],
    tests: DPOP_TESTS,
  },
  {
    name: 'proof: the claims that it must have',
    rule: 'RFC 9449, 4.3, 3',
    file: DPOP,
    edits: [["      requiredClaims: ['jti', 'htm', 'htu', 'iat'],\n", '']],
    tests: DPOP_TESTS,
  },
  {
    name: 'proof: a nonce of ours',
    rule: 'RFC 9449, 4.3, 10',
    file: DPOP,
    edits: [['(await keys()).verifyTag(PURPOSE, text, tag) && ', 'tag !== undefined && ']],
    tests: DPOP_TESTS,
  },
  {
    name: 'proof: a nonce of this minute',
    rule: 'RFC 9449, 4.3, 11',
    file: DPOP,
    edits: [[' && Math.abs(now() - issuedAt) <= NONCE_MS;', ';']],
    tests: DPOP_TESTS,
  },
  {
    name: 'proof: used once',
    rule: 'RFC 9449, 11.1',
    file: DPOP,
    edits: [['      if (!seen.take(', '      if (!claims.jti && !seen.take(']],
    tests: DPOP_TESTS,
  },
  {
    name: 'replay memory: what was forgotten is refused',
    rule: 'RFC 9449, 11.1',
    file: 'src/access/replay-memory.ts',
    edits: [['!this.remembers(issuedAt) || this.#seen.has(id)', 'this.#seen.has(id)']],
    tests: ['tests/unit/access/replay-memory.test.ts'],
  },
  {
    name: 'replay memory: what was seen is refused',
    rule: 'RFC 9449, 11.1',
    file: 'src/access/replay-memory.ts',
    edits: [['!this.remembers(issuedAt) || this.#seen.has(id)', '!this.remembers(issuedAt)']],
    tests: ['tests/unit/access/replay-memory.test.ts'],
  },
];

const revocations: Mutation[] = [
  {
    name: 'revocation list: a grant that has ended',
    rule: 'RFC 7009, 2.1',
    file: LIST,
    edits: [['        list.at.has(revocationNames.grant(grantId)) ||\n', '']],
    tests: LIST_TESTS,
  },
  {
    name: 'revocation list: all of a person or a client',
    rule: 'RFC 7009, 2.1',
    file: LIST,
    edits: [['        endOf(person, clientId, signedInAt) !== undefined ||\n', '']],
    tests: LIST_TESTS,
  },
  {
    name: 'revocation list: a blocked client',
    rule: 'RFC 7009, 2.1',
    file: LIST,
    edits: [['!== undefined ||\n        isBlocked(clientId)\n', '!== undefined\n']],
    tests: LIST_TESTS,
  },
  {
    name: 'revocation list: only what began before the end',
    rule: 'RFC 7009, 2.1',
    file: LIST,
    edits: [['at !== undefined && sinceSeconds <= Math.floor(at / 1000)', 'at !== undefined']],
    tests: LIST_TESTS,
  },
  {
    name: 'revocation list: of two ends the last counts',
    rule: 'RFC 7009, 2.1',
    file: LIST,
    edits: [['Math.max(at, list.at.get(name) ?? 0)', 'at']],
    tests: LIST_TESTS,
  },
  {
    name: 'revocation list: read again after 20 seconds',
    rule: 'docs/security.md, 30 seconds',
    file: LIST,
    edits: [['    if (age < REFRESH_MS) return;', '    if (age < 9 * REFRESH_MS) return;']],
    tests: LIST_TESTS,
  },
  {
    name: 'revocation list: waited for after 30 seconds',
    rule: 'docs/security.md, 30 seconds',
    file: LIST,
    edits: [['    if (age < WAIT_MS ||', '    if (age < 9 * WAIT_MS ||']],
    tests: LIST_TESTS,
  },
  {
    name: 'revocation list: relied on for five minutes',
    rule: 'docs/security.md, storage is down',
    file: LIST,
    edits: [['    if (failed && now() - readAt >= USABLE_MS) throw', '    if (false) throw']],
    tests: LIST_TESTS,
  },
  {
    name: 'revocation list: what ends here while it is read',
    rule: 'docs/security.md, 30 seconds',
    file: LIST,
    edits: [['        for (const change of changes) change(read);\n', '']],
    tests: LIST_TESTS,
  },
];

export const access = [...accessToken, ...proof, ...revocations];
