import type { Mutation } from '../mutation.ts';

const FILE = 'src/oauth/authorize/callback.ts';
const BINDING_TESTS = ['tests/integration/oauth/binding.test.ts'];

/** What comes back from Entra, and what goes on to the client. */
export const callback: Mutation[] = [
  {
    name: 'callback: the browser that began',
    rule: 'RFC 9700, 4.7.1',
    file: FILE,
    edits: [['    if (signin.binding !== binding) return failure(request, context, wrongBrowser());\n', '']],
    tests: ['tests/attacks/two-browsers.test.ts'],
  },
  {
    name: 'callback: a browser without a cookie',
    rule: 'RFC 9700, 4.7.1',
    file: FILE,
    edits: [
      ['    if (!binding) return failure(request, context, wrongBrowser());\n', ''],
      ['    if (signin.binding !== binding) return', '    if (binding && signin.binding !== binding) return'],
    ],
    tests: BINDING_TESTS,
  },
  {
    name: 'callback: a sign-in is gone through once',
    rule: 'OpenID Connect Core, 3.1.2.5',
    file: FILE,
    edits: [["    if (signin.stage !== 'started') {", "    if (signin.stage === ('none' as string)) {"]],
    tests: BINDING_TESTS,
  },
  {
    name: 'callback: a sign-in no older than ten minutes',
    rule: 'RFC 9700, 4.7',
    file: FILE,
    edits: [['    if (isExpired(signin, services.now())) return failure(request, context, expiredSignin());\n', '']],
    tests: BINDING_TESTS,
  },
  {
    name: 'callback: ten answers a minute to one sign-in',
    rule: 'RFC 6819, 4.4.1.11',
    file: FILE,
    edits: [['    if (!taken.ok) return', '    if (false) return']],
    tests: ['tests/integration/oauth/limits.test.ts'],
  },
  {
    name: 'callback: the same answer again only for the same code of Entra’s',
    rule: 'RFC 9700, 4.5',
    file: FILE,
    edits: [
      [
        "    if (!upstreamCode || signin.upstreamCodeHash !== hashOf('upstream code', upstreamCode)) return undefined;\n",
        '',
      ],
    ],
    tests: ['tests/integration/oauth/binding.test.ts', 'tests/attacks/replay.test.ts'],
  },
  {
    name: 'callback: the same answer again for 30 seconds',
    rule: 'OAuth 2.1, 4.1.2',
    file: FILE,
    edits: [['    if (services.now() >= signin.completedAt + RETRY_MS) return undefined;\n', '']],
    tests: BINDING_TESTS,
  },
  {
    name: 'callback: of several answers one wins',
    rule: 'OAuth 2.1, 4.1.2',
    file: FILE,
    edits: [
      [
        "    if ((await services.signins.advance(signin, completed)) !== 'written') {",
        "    if ((await services.signins.advance(signin, completed)) === 'written' && false) {",
      ],
    ],
    tests: BINDING_TESTS,
  },
  {
    name: 'callback: a client that was blocked meanwhile',
    rule: 'RFC 6749, 4.1.2.1 (unauthorized_client)',
    file: FILE,
    edits: [['await services.revocations.isBlocked(asked.clientId)', '!asked']],
    tests: ['tests/integration/oauth/manage.test.ts'],
  },
  {
    name: 'callback: whose approval it was',
    rule: 'MCP security best practices, confused deputy',
    file: FILE,
    edits: [
      [
        '    if (asked && !(await needsNoPage(services, signin, asked, who.person))) {',
        '    if (asked && !services) {',
      ],
    ],
    tests: ['tests/integration/oauth/remembered.test.ts'],
  },
  {
    name: 'needsNoPage: the person who approved',
    rule: 'MCP security best practices, confused deputy',
    file: 'src/oauth/authorize/remembered-approval.ts',
    edits: [['approver !== personKey(person) || reliesOn === undefined', 'reliesOn === undefined']],
    tests: ['tests/integration/oauth/remembered.test.ts'],
  },
  {
    name: 'needsNoPage: an approval that was ended meanwhile',
    rule: 'RFC 7009, 2.1',
    file: 'src/oauth/authorize/remembered-approval.ts',
    edits: [
      [
        '  return !(await revocations.isRevoked({ grantId: reliesOn, person, clientId, signedInAt }));',
        '  return signedInAt > 0;',
      ],
    ],
    tests: ['tests/attacks/taken-back.test.ts'],
  },
  {
    name: 'callback: prompt=none shows no page to another person',
    rule: 'OpenID Connect Core, 3.1.2.6',
    file: FILE,
    edits: [["    if (asked.prompt === 'none') {", '    if (false) {']],
    tests: ['tests/integration/oauth/remembered.test.ts'],
  },
  {
    name: 'callback: only an administrator is led to their page',
    rule: 'OWASP ASVS 5, 8.3',
    file: FILE,
    edits: [["to && (to !== 'manage' || isAdministrator(services, who))", 'to']],
    tests: ['tests/integration/oauth/manage.test.ts'],
  },
  {
    name: 'callback: an error of Entra’s brings no code',
    rule: 'OpenID Connect Core, 3.1.2.6',
    file: FILE,
    edits: [['    if (error) {', '    if (false) {']],
    tests: BINDING_TESTS,
  },
  {
    name: 'callback: what a rule of ours lacks is shown to the person',
    rule: 'RFC 9700, 4.11.2',
    file: FILE,
    edits: [['    if (!refusal.isOurs) return redirect(back);', '    return redirect(back);']],
    tests: ['tests/integration/entra/entry.test.ts'],
  },
  {
    name: 'callback: what the client is told is plain ASCII',
    rule: 'RFC 6749, 4.1.2.1',
    file: FILE,
    edits: [['plainAscii(description)', 'description']],
    tests: ['tests/integration/entra/entry.test.ts'],
  },
  {
    name: 'toClient: the answer names its issuer',
    rule: 'RFC 9207, 2',
    file: FILE,
    edits: [[', iss: services.origin }', ' }']],
    tests: ['tests/attacks/mix-up.test.ts'],
  },
  {
    name: 'toClient: the answer repeats the state',
    rule: 'OAuth 2.1, 4.1.2',
    file: FILE,
    edits: [['{ ...answer, state: asked.state, iss', '{ ...answer, iss']],
    tests: ['tests/attacks/mix-up.test.ts'],
  },
  {
    name: 'toEntra: a nonce of this very sign-in',
    rule: 'OpenID Connect Core, 15.5.2',
    file: 'src/oauth/authorize/transaction.ts',
    edits: [['nonce: randomText(random, 32), verifier', "nonce: 'the same for all', verifier"]],
    tests: ['tests/checklist/practice.test.ts'],
    only: 'BP-10',
  },
  {
    name: 'toEntra: a PKCE verifier of this very sign-in',
    rule: 'RFC 7636, 7.1',
    file: 'src/oauth/authorize/transaction.ts',
    edits: [['verifier: randomText(random, 32) }', "verifier: 'v'.repeat(43) }"]],
    tests: ['tests/checklist/practice.test.ts'],
    only: 'BP-10',
  },
  {
    name: 'toEntra: PKCE by S256',
    rule: 'RFC 7636, 4.3',
    file: 'src/entra/sign-in.ts',
    edits: [["        codeChallenge: challenge,\n        codeChallengeMethod: 'S256',\n", '']],
    tests: ['tests/checklist/practice.test.ts'],
    only: 'BP-10',
  },
  {
    name: 'isExpired: ten minutes',
    rule: 'RFC 9700, 4.7',
    file: 'src/oauth/authorize/transaction.ts',
    edits: [
      [
        '  return now >= signin.createdAt + SIGNIN_SECONDS * 1000;',
        '  return now >= signin.createdAt + SIGNIN_SECONDS * 2000;',
      ],
    ],
    tests: BINDING_TESTS,
  },
  {
    name: 'upstreamSecrets: of this very row',
    rule: 'NIST SP 800-38D, 5.1.1 (additional data)',
    file: 'src/keys/key-ring.ts',
    edits: [
      ['      cipher.setAAD(Buffer.from(boundTo));\n', ''],
      ['        decipher.setAAD(Buffer.from(boundTo));\n', ''],
    ],
    tests: ['tests/unit/keys/key-ring.test.ts'],
  },
];
