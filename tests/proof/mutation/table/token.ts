import type { Mutation } from '../mutation.ts';

const REDEEM = 'src/oauth/tokens/redeem-code.ts';
const RENEW = 'src/oauth/tokens/renew.ts';
const CODE_TESTS = ['tests/integration/oauth/code.test.ts'];
const RENEWAL_TESTS = ['tests/integration/oauth/renewal.test.ts'];
const RESOURCE_TESTS = ['tests/integration/oauth/resources.test.ts'];
const DPOP_TESTS = ['tests/integration/oauth/dpop.test.ts'];

const code: Mutation[] = [
  {
    name: 'checkBinding: the secret of the code',
    rule: 'OAuth 2.1, 4.1.3',
    file: REDEEM,
    edits: [["!request || !equalInConstantTime(signin.codeHash ?? '', codeHash(code))", '!request']],
    tests: ['tests/attacks/code-injection.test.ts'],
  },
  {
    name: 'checkBinding: the client and its authentication',
    rule: 'OAuth 2.1, 4.1.3',
    file: REDEEM,
    edits: [['  await authenticateClient(services, presented, request);\n', '']],
    tests: CODE_TESTS,
  },
  {
    name: 'checkBinding: redirect_uri',
    rule: 'RFC 6749, 4.1.3',
    file: REDEEM,
    edits: [['redirectUri !== undefined && redirectUri !== request.redirectUri', 'false']],
    tests: CODE_TESTS,
  },
  {
    name: 'checkBinding: the code_verifier fits',
    rule: 'RFC 7636, 4.6',
    file: REDEEM,
    edits: [[' || !equalInConstantTime(challengeOf(verifier), request.codeChallenge)', '']],
    tests: ['tests/attacks/pkce-downgrade.test.ts'],
  },
  {
    name: 'checkBinding: the form of a code_verifier',
    rule: 'RFC 7636, 4.1',
    file: REDEEM,
    edits: [['!/^[\\w.~-]{43,128}$/.test(verifier) || ', '']],
    tests: ['tests/attacks/pkce-downgrade.test.ts'],
  },
  {
    name: 'checkBinding: resource',
    rule: 'RFC 8707, 2.2',
    file: REDEEM,
    edits: [['  boundResource(services,', '  if (!services) boundResource(services,']],
    tests: ['tests/attacks/cross-tokens.test.ts'],
  },
  {
    name: 'redeemCode: a client that has announced bound tokens',
    rule: 'RFC 9449, 5.2',
    file: REDEEM,
    edits: [['  if (request.dpopRequired) needKey(jkt);\n', '']],
    tests: DPOP_TESTS,
  },
  {
    name: 'redeemCode: the key of dpop_jkt',
    rule: 'RFC 9449, 10',
    file: REDEEM,
    edits: [['  if (request.dpopJkt !== undefined) checkKey(request.dpopJkt, jkt);\n', '']],
    tests: DPOP_TESTS,
  },
  {
    name: 'redeemCode: answered again to the same key',
    rule: 'RFC 9449, 5',
    file: REDEEM,
    edits: [['  checkKey(signin.redeemJkt, jkt);\n', '']],
    tests: DPOP_TESTS,
  },
  {
    name: 'redeemCode: a code lives 60 seconds',
    rule: 'OAuth 2.1, 4.1.2',
    file: REDEEM,
    edits: [['  if (services.now() >= signin.completedAt + CODE_SECONDS * 1000) {', '  if (false) {']],
    tests: CODE_TESTS,
  },
  {
    name: 'claimCode: of several attempts one wins',
    rule: 'OAuth 2.1, 4.1.3',
    file: REDEEM,
    edits: [
      [
        "  if ((await services.signins.advance(signin, next)) === 'written') return next;",
        '  if (await services.signins.advance(signin, next)) return next;',
      ],
    ],
    tests: CODE_TESTS,
  },
  {
    name: 'redeemCode: a code that comes again ends its grant',
    rule: 'OAuth 2.1, 4.1.3',
    file: REDEEM,
    edits: [['  if (isLate && !(await wasCutOff(services, key, signin))) {', '  if (false) {']],
    tests: CODE_TESTS,
  },
  {
    name: 'redeemCode: answered again for 30 seconds',
    rule: 'OAuth 2.1, 4.1.3',
    file: REDEEM,
    edits: [['signin.redeemedAt + RETRY_MS', 'signin.redeemedAt + 1_000 * RETRY_MS']],
    tests: CODE_TESTS,
  },
  {
    name: 'redeemCode: a late code that got its grant is not as good as new',
    rule: 'OAuth 2.1, 4.1.3',
    file: REDEEM,
    edits: [[' && (await grants.read(key)) === undefined;', ';']],
    tests: CODE_TESTS,
  },
  {
    name: 'redeemCode: a sign-in that an administrator has ended',
    rule: 'RFC 7009, 2.1',
    file: REDEEM,
    edits: [
      [
        '  if ((await services.revocations.endedAt({ person, clientId: presented.clientId, since })) !== undefined) {',
        '  if (since < 0) {',
      ],
    ],
    tests: ['tests/integration/oauth/manage.test.ts'],
  },
  {
    name: 'redeemCode: a grant that was ended meanwhile',
    rule: 'RFC 7009, 2.1',
    file: REDEEM,
    edits: [['    if (!stored || stored.endedAt !== undefined) throw', '    if (!stored) throw']],
    tests: ['tests/attacks/replay.test.ts'],
  },
  {
    name: 'redeemCode: a refresh token only where it was approved',
    rule: 'OpenID Connect Core, 11',
    file: REDEEM,
    edits: [['  const refreshToken = request.offline\n', '  const refreshToken = request\n']],
    tests: ['tests/integration/oauth/binding.test.ts'],
  },
  {
    name: 'redeemCode: the challenge is remembered',
    rule: 'RFC 9700, 2.1.1',
    file: REDEEM,
    edits: [['  services.redeemedChallenges.add(request.codeChallenge);\n', '']],
    tests: ['tests/integration/oauth/lifetimes.test.ts'],
  },
];

const renewal: Mutation[] = [
  {
    name: 'checkGrant: the client and its authentication',
    rule: 'OAuth 2.1, 4.3.1',
    file: RENEW,
    edits: [['  await authenticateClient(services, presented, grant);\n', '']],
    tests: RENEWAL_TESTS,
  },
  {
    name: 'checkGrant: resource',
    rule: 'RFC 8707, 2.2',
    file: RENEW,
    edits: [['  boundResource(services,', '  if (!services) boundResource(services,']],
    tests: RENEWAL_TESTS,
  },
  {
    name: 'boundResource: one that settings have taken away',
    rule: 'RFC 8707, 2.2',
    file: 'src/oauth/resource.ts',
    edits: [['  if (!known || scopesOf(known, scopes).length === 0) {', '  if (!known) {']],
    tests: RESOURCE_TESTS,
  },
  {
    name: 'checkGrant: a grant that has ended',
    rule: 'RFC 7009, 2.1',
    file: RENEW,
    edits: [['  if (grant.endedAt !== undefined) throw', '  if (false) throw']],
    tests: RENEWAL_TESTS,
  },
  {
    name: 'checkGrant: a client that has announced bound tokens',
    rule: 'RFC 9449, 5.2',
    file: RENEW,
    edits: [['  if (grant.dpopRequired) needKey(jkt);\n', '']],
    tests: DPOP_TESTS,
  },
  {
    name: 'checkGrant: the key of a public client',
    rule: 'RFC 9449, 5',
    file: RENEW,
    edits: [['  if (isPublic && grant.dpopJkt !== undefined) checkKey(grant.dpopJkt, jkt);\n', '']],
    tests: DPOP_TESTS,
  },
  {
    name: 'checkGrant: a grant that has expired',
    rule: 'OAuth 2.1, 4.3.2',
    file: RENEW,
    edits: [
      ["  if (services.now() >= expiresAt) throw new TokenError('invalid_grant', 'The grant has expired.');\n", ''],
    ],
    tests: RENEWAL_TESTS,
  },
  {
    name: 'checkGrant: a cap that was lowered',
    rule: 'OAuth 2.1, 4.3.2',
    file: RENEW,
    edits: [['Math.min(grant.expiresAt, grantExpiry(services, grant.createdAt, grant.issuedAt))', 'grant.expiresAt']],
    tests: ['tests/integration/oauth/lifetimes.test.ts'],
  },
  {
    name: 'grantExpiry: the cap of a grant',
    rule: 'OAuth 2.1, 4.3.2',
    file: 'src/oauth/tokens/tokens.ts',
    edits: [
      [
        '  return Math.min(issuedAt + refreshIdleSeconds * 1000, createdAt + refreshMaxSeconds * 1000);',
        '  return issuedAt + refreshIdleSeconds * 1000;',
      ],
    ],
    tests: ['tests/integration/oauth/lifetimes.test.ts'],
  },
  {
    name: 'tokenExpiry: no access token outlives its grant',
    rule: 'RFC 9700, 2.2.1',
    file: 'src/oauth/tokens/tokens.ts',
    edits: [
      [
        '  return Math.min(issuedAt + tokenExpirySeconds * 1000, expiresAt);',
        '  return issuedAt + tokenExpirySeconds * 1000 + 0 * expiresAt;',
      ],
    ],
    tests: ['tests/integration/oauth/lifetimes.test.ts'],
  },
  {
    name: 'renew: what an administrator has ended',
    rule: 'RFC 7009, 2.1',
    file: RENEW,
    edits: [
      [
        '(await services.revocations.endedAt({ ...key, clientId: grant.clientId, since: grant.signedInAt })) !== undefined\n',
        'false\n',
      ],
    ],
    tests: ['tests/integration/oauth/manage.test.ts'],
  },
  {
    name: 'renew: the unspent token alone is rotated',
    rule: 'RFC 9700, 4.14.2',
    file: RENEW,
    edits: [['    if (grant.refreshHash !== hash)\n', '    if (grant.refreshHash === undefined)\n']],
    tests: RENEWAL_TESTS,
  },
  {
    name: 'renew: of several attempts one wins',
    rule: 'RFC 9700, 4.14.2',
    file: RENEW,
    edits: [["    if (outcome === 'written') {", '    if (outcome) {']],
    tests: RENEWAL_TESTS,
  },
  {
    name: 'answerSpent: a spent token after the window ends the grant',
    rule: 'RFC 9700, 4.14.2',
    file: RENEW,
    edits: [['  if (services.now() >= spentAt + windowMs) {', '  if (false) {']],
    tests: RENEWAL_TESTS,
  },
  {
    name: 'answerSpent: the window',
    rule: 'RFC 9700, 4.14.2',
    file: RENEW,
    edits: [['services.refreshRetrySeconds * 1000', 'services.refreshRetrySeconds * 10_000']],
    tests: RENEWAL_TESTS,
  },
  {
    name: 'answerSpent: a made-up token ends nothing',
    rule: 'RFC 9700, 4.14.2',
    file: RENEW,
    edits: [['await services.grants.spentAt(key, hash);\n', '((await services.grants.spentAt(key, hash)) ?? 0);\n']],
    tests: RENEWAL_TESTS,
  },
  {
    name: 'answerSpent: only the token spent last has a successor',
    rule: 'RFC 9700, 4.14.2',
    file: RENEW,
    edits: [['    isLastSpent && salt && kid ? ', '    salt && kid ? ']],
    tests: RENEWAL_TESTS,
  },
  {
    name: 'answerSpent: answered again to the same key',
    rule: 'RFC 9449, 5',
    file: RENEW,
    edits: [['  checkKey(grant.dpopJkt, jkt);\n', '']],
    tests: DPOP_TESTS,
  },
  {
    name: 'narrowed: no scope beyond the grant',
    rule: 'RFC 6749, 6',
    file: RENEW,
    edits: [['granted.filter(scope => asked.has(scope))', '[...asked].filter(Boolean)']],
    tests: RENEWAL_TESTS,
  },
  {
    name: 'renew: so many renewals of one grant',
    rule: 'RFC 6819, 4.4.1.11',
    file: RENEW,
    edits: [['    if (!taken.ok) throw', '    if (false) throw']],
    tests: ['tests/integration/oauth/limits.test.ts'],
  },
  {
    name: 'renew: Entra is asked about the person',
    rule: 'OpenID Connect Core, 12.1',
    file: RENEW,
    edits: [['await askEntra(services, key, current, context)', 'current']],
    tests: ['tests/integration/entra/renewal.test.ts'],
  },
  {
    name: 'askEntra: a refusal about the person ends the grant',
    rule: 'RFC 6749, 5.2 (invalid_grant)',
    file: 'src/oauth/tokens/ask-entra.ts',
    edits: [
      [
        'error instanceof EntraRefusedError && isAboutThePerson(error.refusal)',
        'error instanceof EntraRefusedError && isAboutThePerson(error.refusal) && !services',
      ],
    ],
    tests: ['tests/integration/entra/renewal.test.ts'],
  },
  {
    name: 'askEntra: a refusal that is not about the person ends nothing',
    rule: 'RFC 6749, 5.2 (invalid_grant)',
    file: 'src/oauth/tokens/ask-entra.ts',
    edits: [
      ['error instanceof EntraRefusedError && isAboutThePerson(error.refusal)', 'error instanceof EntraRefusedError'],
    ],
    tests: ['tests/integration/entra/renewal.test.ts'],
  },
  {
    name: 'askEntra: the grace period ends',
    rule: 'OpenID Connect Core, 12.1',
    file: 'src/oauth/tokens/ask-entra.ts',
    edits: [['  if (now() >= entraDownSince + offlineGraceSeconds * 1000) {', '  if (false) {']],
    tests: ['tests/integration/entra/renewal.test.ts'],
  },
  {
    name: 'askEntra: a refusal of tokens that were replaced meanwhile',
    rule: 'RFC 6749, 5.2 (invalid_grant)',
    file: 'src/oauth/tokens/ask-entra.ts',
    edits: [['      await checkUnchanged(services, key, grant);\n', '']],
    tests: ['tests/integration/entra/renewal.test.ts'],
  },
  {
    name: 'Entra.renew: the same person',
    rule: 'OpenID Connect Core, 12.2',
    file: 'src/entra/sign-in.ts',
    edits: [['      if (who.person.tid !== tid || who.person.oid !== oid) {', '      if (tid === oid) {']],
    tests: ['tests/integration/entra/renewal.test.ts'],
  },
];

const ending: Mutation[] = [
  {
    name: 'endGrant: its access tokens stop',
    rule: 'RFC 7009, 2.1',
    file: 'src/oauth/tokens/end-grant.ts',
    edits: [
      ['    await revocations.add(key.grantId, Math.max(grant.tokensExpireAt, now() + SIGNIN_MS) + SKEW_MS);\n', ''],
    ],
    tests: RENEWAL_TESTS,
  },
  {
    name: 'endGrant: its refresh tokens stop',
    rule: 'RFC 7009, 2.1',
    file: 'src/oauth/tokens/end-grant.ts',
    edits: [["if ((await grants.end(grant, now(), reason, detail)) === 'written') return;", 'return;']],
    tests: RENEWAL_TESTS,
  },
  {
    name: 'endGrant: a grant that was changed meanwhile ends too',
    rule: 'RFC 7009, 2.1',
    file: 'src/oauth/tokens/end-grant.ts',
    edits: [
      [
        "(await grants.end(grant, now(), reason, detail)) === 'written'",
        '(await grants.end(grant, now(), reason, detail)) !== undefined',
      ],
    ],
    tests: ['tests/attacks/race.test.ts', 'tests/attacks/taken-back.test.ts'],
  },
  {
    name: 'endGrant: as long as a token of it lives',
    rule: 'RFC 7009, 2.1',
    file: 'src/oauth/tokens/end-grant.ts',
    edits: [['Math.max(grant.tokensExpireAt, now() + SIGNIN_MS) + SKEW_MS', 'now()']],
    tests: RENEWAL_TESTS,
  },
  {
    name: 'revoke: the client and its authentication',
    rule: 'RFC 7009, 2.1',
    file: 'src/oauth/tokens/revoke.ts',
    edits: [['    await authenticateClient(services, presented, grant);\n', '']],
    tests: RENEWAL_TESTS,
  },
  {
    name: 'revoke: a refresh token that was issued',
    rule: 'RFC 7009, 2.2',
    file: 'src/oauth/tokens/revoke.ts',
    edits: [['!grant || !(await wasIssued(key, grant, token))', '!grant']],
    tests: ['tests/integration/oauth/renewal.test.ts', 'tests/attacks/cross-tokens.test.ts'],
  },
  {
    name: 'introspect: the caller’s secret',
    rule: 'RFC 7662, 2.1',
    file: 'src/oauth/tokens/introspect.ts',
    edits: [[' || !isRight)', ')']],
    tests: ['tests/integration/oauth/introspection.test.ts'],
  },
  {
    name: 'introspect: a token that was revoked',
    rule: 'RFC 7662, 4',
    file: 'src/oauth/tokens/introspect.ts',
    edits: [['(await services.revocations.isRevoked(verified)) ? undefined : verified', 'verified']],
    tests: ['tests/integration/oauth/introspection.test.ts'],
  },
  {
    name: 'introspect: where nobody is named it is not there',
    rule: 'RFC 7662, 4',
    file: 'src/oauth/tokens/introspect.ts',
    edits: [['  if (introspectors.length === 0) return notFound;\n', '']],
    tests: ['tests/integration/oauth/introspection.test.ts'],
  },
  {
    name: 'token: a grant type that is not served',
    rule: 'RFC 6749, 5.2 (unsupported_grant_type)',
    file: 'src/oauth/tokens/token.ts',
    edits: [
      ["      case 'refresh_token':\n", "      case 'refresh_token':\n      default:\n"],
      [
        "      default:\n        throw new TokenError('unsupported_grant_type', 'Only authorization_code and refresh_token are served.');\n",
        '',
      ],
    ],
    tests: CODE_TESTS,
  },
  {
    name: 'provenKey: the proof is checked',
    rule: 'RFC 9449, 5',
    file: 'src/oauth/tokens/proof.ts',
    edits: [['` });', '` }).catch(() => undefined);']],
    tests: DPOP_TESTS,
  },
  {
    name: 'checkKey: the very key',
    rule: 'RFC 9449, 5',
    file: 'src/oauth/tokens/proof.ts',
    edits: [['  if (bound === proven) return;', '  if (bound === proven || (bound && proven)) return;']],
    tests: DPOP_TESTS,
  },
];

export const token = [...code, ...renewal, ...ending];
