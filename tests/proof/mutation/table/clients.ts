import type { Mutation } from '../mutation.ts';

const AUTHENTICATION = 'src/oauth/clients/client-authentication.ts';
const ASSERTION = 'src/oauth/clients/assertion.ts';
const KEYS = 'src/oauth/clients/assertion-keys.ts';
const REDIRECT = 'src/oauth/clients/redirect-uri.ts';
const CODE_TESTS = ['tests/integration/oauth/code.test.ts'];
const CROSS_TESTS = ['tests/attacks/cross-tokens.test.ts'];
const ASSERTION_TESTS = ['tests/integration/oauth/assertions.test.ts'];
const DOCUMENT_TESTS = ['tests/integration/oauth/documents.test.ts'];
const REDIRECT_TESTS = ['tests/unit/oauth/redirect-uri.test.ts'];

const authentication: Mutation[] = [
  {
    name: 'readClient: one way of authentication',
    rule: 'RFC 6749, 2.3',
    file: AUTHENTICATION,
    edits: [['.filter(way => way !== undefined).length > 1', '.length > 9']],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'readClient: the client_id beside Basic',
    rule: 'RFC 6749, 2.3.1',
    file: AUTHENTICATION,
    edits: [['  if (formId && formId !== basic.clientId) {', '  if (false) {']],
    tests: CROSS_TESTS,
  },
  {
    name: 'readAssertion: its type',
    rule: 'RFC 7521, 4.2',
    file: AUTHENTICATION,
    edits: [['  if (jwt && type === ASSERTION_TYPE) return { jwt };', '  if (jwt) return { jwt };']],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'authenticateClient: the client that it was issued to',
    rule: 'RFC 6749, 5.2 (invalid_grant)',
    file: AUTHENTICATION,
    edits: [['  if (presented.clientId !== expected.clientId) {', '  if (false) {']],
    tests: CROSS_TESTS,
  },
  {
    name: 'authenticateClient: a client that is let in',
    rule: 'Client ID Metadata Document, 6',
    file: AUTHENTICATION,
    edits: [['  if (!services.clients.isLetIn(expected.clientId)) {', '  if (false) {']],
    tests: DOCUMENT_TESTS,
  },
  {
    name: 'authenticateClient: a blocked client',
    rule: 'RFC 6749, 5.2 (unauthorized_client)',
    file: AUTHENTICATION,
    edits: [['  if (await services.revocations.isBlocked(expected.clientId)) {', '  if (false) {']],
    tests: ['tests/integration/oauth/manage.test.ts'],
  },
  {
    name: 'authenticateClient: an assertion where one is due',
    rule: 'RFC 7523, 3',
    file: AUTHENTICATION,
    edits: [["  if (expected.clientAuth === 'private_key_jwt') return checkAssertion(services, presented);\n", '']],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'authenticateClient: no assertion of who has no keys',
    rule: 'RFC 7521, 4.2',
    file: AUTHENTICATION,
    edits: [['  if (presented.assertion) {', '  if (false) {']],
    tests: DOCUMENT_TESTS,
  },
  {
    name: 'authenticateClient: a client that the operator has removed',
    rule: 'RFC 6749, 5.2 (invalid_client)',
    file: AUTHENTICATION,
    edits: [["  if (current === 'removed') {", '  if (false) {']],
    tests: DOCUMENT_TESTS,
  },
  {
    name: 'authenticateClient: the operator’s secret of today',
    rule: 'RFC 6749, 2.3.1',
    file: AUTHENTICATION,
    edits: [['current ?? { secretHash: expected.clientSecretHash }', '{ secretHash: expected.clientSecretHash }']],
    tests: DOCUMENT_TESTS,
  },
  {
    name: 'authenticateClient: a secret that is missing',
    rule: 'RFC 6749, 3.2.1',
    file: AUTHENTICATION,
    edits: [
      [
        '!presented.secret || !isSecretOf(secretHash, presented.secret)',
        'presented.secret && !isSecretOf(secretHash, presented.secret)',
      ],
    ],
    tests: CODE_TESTS,
  },
  {
    name: 'authenticateClient: a secret that is wrong',
    rule: 'RFC 6749, 3.2.1',
    file: AUTHENTICATION,
    edits: [['!presented.secret || !isSecretOf(secretHash, presented.secret)', '!presented.secret']],
    tests: CODE_TESTS,
  },
  {
    name: 'checkAssertion: there is one',
    rule: 'RFC 7523, 3',
    file: AUTHENTICATION,
    edits: [
      [
        "  if (!assertion) {\n    throw new TokenError('invalid_client', 'The client must prove itself by a client_assertion.', 401, basic);\n  }",
        '  if (!assertion || basic) return;',
      ],
    ],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'checkAssertion: used once',
    rule: 'RFC 7523, 3 (jti)',
    file: AUTHENTICATION,
    edits: [
      [
        '    if (await assertions.claim({ clientId, ...verified }, assertion.nonce)) return;',
        '    if (verified && assertions) return;',
      ],
    ],
    tests: ASSERTION_TESTS,
  },
];

const assertion: Mutation[] = [
  {
    name: 'verifyAssertion: the algorithm that was announced',
    rule: 'RFC 7591, 2 (token_endpoint_auth_signing_alg)',
    file: ASSERTION,
    edits: [['  if (algorithm && alg !== algorithm) throw', '  if (false) throw']],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'verifyAssertion: the key that its kid names',
    rule: 'RFC 7515, 4.1.4',
    file: ASSERTION,
    edits: [[' && (kid === undefined || key.kid === kid)', '']],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'verifyAssertion: iss',
    rule: 'RFC 7523, 3 (iss)',
    file: ASSERTION,
    edits: [['    issuer: clientId,\n', '']],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'verifyAssertion: sub',
    rule: 'RFC 7523, 3 (sub)',
    file: ASSERTION,
    edits: [['    subject: clientId,\n', '']],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'verifyAssertion: exp',
    rule: 'RFC 7523, 3 (exp)',
    file: ASSERTION,
    edits: [['    clockTolerance: SKEW,\n', '    clockTolerance: 1e9,\n']],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'readHeader: a JWT of another type',
    rule: 'RFC 8725, 3.11',
    file: ASSERTION,
    edits: [['  if (header.typ !== undefined && !', '  if (header.typ === null && !']],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'readHeader: its length',
    rule: 'RFC 8725, 2.5',
    file: ASSERTION,
    edits: [['    if (assertion.length > LONGEST) throw', '    if (false) throw']],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'checkClaims: aud is this server',
    rule: 'RFC 7523, 3 (aud)',
    file: ASSERTION,
    edits: [[' || !audiences.includes(audience)) {', ') {']],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'checkClaims: aud is this server alone',
    rule: 'RFC 7523bis, 4 (aud)',
    file: ASSERTION,
    edits: [['audience === undefined || others.length > 0 || ', 'audience === undefined || others.length > 99 || ']],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'checkClaims: jti',
    rule: 'RFC 7523, 3 (jti)',
    file: ASSERTION,
    edits: [["  if (typeof jti !== 'string' || jti === '' || jti.length > 200) {", "  if (typeof jti !== 'string') {"]],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'checkClaims: it expires within the hour',
    rule: 'RFC 7523, 3 (exp)',
    file: ASSERTION,
    edits: [['exp === undefined || exp > now + LONGEST_LIFE + SKEW', 'exp === undefined']],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'checkClaims: issued in the future',
    rule: 'RFC 7523, 3 (iat)',
    file: ASSERTION,
    edits: [["  if (iat !== undefined && !(typeof iat === 'number' && iat <= now + SKEW)) {", '  if (false) {']],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'readKeySet: no private key is shown',
    rule: 'RFC 7517, 9.2',
    file: KEYS,
    edits: [['  if (keys.some(key => PRIVATE_MEMBERS.some(member => member in key))) {', '  if (false) {']],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'fits: a key for signatures (use)',
    rule: 'RFC 7517, 4.2',
    file: KEYS,
    edits: [["  if (key.use !== undefined && key.use !== 'sig') return false;\n", '']],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'fits: a key that verifies (key_ops)',
    rule: 'RFC 7517, 4.3',
    file: KEYS,
    edits: [
      [
        "  if (key.key_ops !== undefined && !(Array.isArray(key.key_ops) && key.key_ops.includes('verify'))) return false;\n",
        '',
      ],
    ],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'fits: a key for this algorithm (alg)',
    rule: 'RFC 7517, 4.4',
    file: KEYS,
    edits: [
      [
        "  if (key.alg !== undefined && key.alg !== alg && !(alg === 'EdDSA' && key.alg === 'Ed25519')) return false;\n",
        '',
      ],
    ],
    tests: ASSERTION_TESTS,
  },
  {
    name: 'fits: an RSA key from 2048 bits',
    rule: 'RFC 7518, 3.3',
    file: KEYS,
    edits: [["key.kty === 'RSA' && isFairRsaKey(key)", "key.kty === 'RSA'"]],
    tests: ASSERTION_TESTS,
  },
];

const redirectUris: Mutation[] = [
  {
    name: 'redirectUriProblem: a scheme that is known',
    rule: 'RFC 8252, 7.1',
    file: REDIRECT,
    edits: [['  if (PRIVATE_USE_SCHEMES.includes(scheme) || ', '  if (scheme || ']],
    tests: REDIRECT_TESTS,
  },
  {
    name: 'problemAsWritten: its length',
    rule: 'RFC 6749, 3.1.2',
    file: REDIRECT,
    edits: [['  if (uri.length > LONGEST) return', '  if (uri.length > 9 * LONGEST) return']],
    tests: REDIRECT_TESTS,
  },
  {
    name: 'problemAsWritten: characters that a parser repairs',
    rule: 'RFC 3986, 2',
    file: REDIRECT,
    edits: [
      ['!/^[\\x21-\\x7e]+$/.test(uri) || /[\\\\"<>^`{|}]/.test(uri) || !URL.canParse(uri)', '!URL.canParse(uri)'],
    ],
    tests: REDIRECT_TESTS,
  },
  {
    name: 'problemAsWritten: a fragment',
    rule: 'RFC 6749, 3.1.2',
    file: REDIRECT,
    edits: [["  if (uri.includes('#')) return 'has a fragment';\n", '']],
    tests: REDIRECT_TESTS,
  },
  {
    name: 'problemAsWritten: user information',
    rule: 'RFC 3986, 7.5',
    file: REDIRECT,
    edits: [
      ["  if (url.username || url.password || /^[^/?]*\\/\\/[^/?]*@/.test(uri)) return 'has user information';\n", ''],
    ],
    tests: REDIRECT_TESTS,
  },
  {
    name: 'problemAsWritten: dot segments',
    rule: 'RFC 3986, 6.2.2.3',
    file: REDIRECT,
    edits: [["  if (DOT_SEGMENT.test(uri.split('?')[0] ?? '')) return 'has dot segments';\n", '']],
    tests: REDIRECT_TESTS,
  },
  {
    name: 'problemAsWritten: a scheme of the browser',
    rule: 'RFC 9700, 4.1.3',
    file: REDIRECT,
    edits: [["  if (BROWSER_SCHEMES.has(scheme) && scheme !== 'https' && scheme !== 'http') {", '  if (false) {']],
    tests: REDIRECT_TESTS,
  },
  {
    name: 'problemAsWritten: http on loopback alone',
    rule: 'RFC 8252, 7.3',
    file: REDIRECT,
    edits: [
      [
        "  if (scheme === 'http' && !isLoopbackHost(url.hostname)) return 'is http on another host than this machine';\n",
        '',
      ],
    ],
    tests: REDIRECT_TESTS,
  },
  {
    name: 'problemAsWritten: written canonically',
    rule: 'RFC 3986, 6.2.2',
    file: REDIRECT,
    edits: [
      [
        "  return uri.startsWith(beginning) ? undefined : 'is not written canonically';",
        '  return beginning ? undefined : uri;',
      ],
    ],
    tests: REDIRECT_TESTS,
  },
  {
    name: 'matchesRegistered: byte for byte',
    rule: 'RFC 9700, 4.1.3',
    file: REDIRECT,
    edits: [
      [
        '  return registered.some(each => withoutLoopbackPort(each) === comparable);',
        '  return registered.some(each => comparable.startsWith(withoutLoopbackPort(each)));',
      ],
    ],
    tests: REDIRECT_TESTS,
  },
  {
    name: 'withoutLoopbackPort: of loopback URIs alone',
    rule: 'RFC 8252, 7.3',
    file: REDIRECT,
    edits: [['  return isLoopbackUri(uri) ? uri.replace(/^(http:', '  return uri ? uri.replace(/^(https?:']],
    tests: REDIRECT_TESTS,
  },
];

export const clients = [...authentication, ...assertion, ...redirectUris];
