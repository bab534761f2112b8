import type { Mutation } from '../mutation.ts';

const FILE = 'src/entra/id-token.ts';
const BACK_TESTS = ['tests/integration/oauth/binding.test.ts'];
const TENANT_TESTS = ['tests/integration/entra/tenants.test.ts'];

/** What Entra says, held against what it may say. */
export const entra: Mutation[] = [
  {
    name: 'id token: aud',
    rule: 'OpenID Connect Core, 3.1.3.7, 3',
    file: FILE,
    edits: [['          audience: rules.clientId,\n', '']],
    tests: BACK_TESTS,
  },
  {
    name: 'id token: exp',
    rule: 'OpenID Connect Core, 3.1.3.7, 9',
    file: FILE,
    edits: [['          clockTolerance: SKEW_SECONDS,\n', '          clockTolerance: 1e9 * SKEW_SECONDS,\n']],
    tests: BACK_TESTS,
  },
  {
    name: 'id token: nonce',
    rule: 'OpenID Connect Core, 3.1.3.7, 11',
    file: FILE,
    edits: [
      [
        "      if (nonce !== undefined && payload.nonce !== nonce) throw refused('its nonce is not of this sign-in');\n",
        '',
      ],
    ],
    tests: ['tests/unit/entra/id-token.test.ts'],
  },
  {
    name: 'id token: the issuer of this tenant',
    rule: 'OpenID Connect Core, 3.1.3.7, 2',
    file: FILE,
    edits: [
      [
        '      if (!isMultiTenant(rules.tenantId) && payload.iss !== issuerOf(rules.authorityHost, rules.tenantId)) {',
        '      if (false) {',
      ],
    ],
    tests: BACK_TESTS,
  },
  {
    name: 'id token: the issuer is the token’s own tenant',
    rule: 'OpenID Connect Core, 3.1.3.7, 2',
    file: FILE,
    edits: [
      [
        "      if (isMultiTenant(rules.tenantId) && payload.iss !== issuer) throw refused('its issuer is not its tenant');\n",
        '      void issuer;\n',
      ],
    ],
    tests: TENANT_TESTS,
  },
  {
    name: 'id token: the key is tied to the issuer',
    rule: 'Microsoft identity platform, signing key issuer',
    file: FILE,
    edits: [
      [
        "      if (keyIssuer !== undefined && keyIssuer.replace('{tenantid}', tid) !== payload.iss) {",
        '      if (false) {',
      ],
    ],
    tests: ['tests/unit/entra/id-token.test.ts'],
  },
  {
    name: 'id token: a tenant that is let in',
    rule: 'Microsoft identity platform, claims validation (tid)',
    file: FILE,
    edits: [['      if (!isTenantAllowed(rules, tid)) {', '      if (false) {']],
    tests: TENANT_TESTS,
  },
  {
    name: 'id token: tid and oid are names of a person',
    rule: 'Microsoft identity platform, claims validation (oid)',
    file: FILE,
    edits: [[' || !GUID.test(tid) || !GUID.test(oid)) {', ') {']],
    tests: ['tests/unit/entra/id-token.test.ts'],
  },
  {
    name: 'isTenantAllowed: one tenant alone',
    rule: 'Microsoft identity platform, claims validation (tid)',
    file: 'src/entra/tenants.ts',
    edits: [
      ['  if (!isMultiTenant(tenantId)) return tid === tenantId;', '  if (!isMultiTenant(tenantId)) return true;'],
    ],
    tests: TENANT_TESTS,
  },
  {
    name: 'isTenantAllowed: no personal accounts under "organizations"',
    rule: 'Microsoft identity platform, sign-in audience',
    file: 'src/entra/tenants.ts',
    edits: [["  if (tenantId === 'organizations' && tid === CONSUMERS_TENANT) return false;\n", '']],
    tests: TENANT_TESTS,
  },
  {
    name: 'isTenantAllowed: personal accounts alone under "consumers"',
    rule: 'Microsoft identity platform, sign-in audience',
    file: 'src/entra/tenants.ts',
    edits: [["  if (tenantId === 'consumers' && tid !== CONSUMERS_TENANT) return false;\n", '']],
    tests: TENANT_TESTS,
  },
  {
    name: 'checkEntry: a role that is required',
    rule: 'AUTH_REQUIRED_ROLES',
    file: 'src/entra/entry.ts',
    edits: [
      ['  if (requiredRoles.length > 0 && !requiredRoles.some(role => who.roles.includes(role))) {', '  if (false) {'],
    ],
    tests: ['tests/integration/entra/entry.test.ts'],
  },
  {
    name: 'checkEntry: a group that is allowed',
    rule: 'AUTH_ALLOWED_GROUPS',
    file: 'src/entra/entry.ts',
    edits: [['  if (!allowedGroups.some(group => groups.includes(group))) {', '  if (groups === undefined) {']],
    tests: ['tests/integration/entra/entry.test.ts'],
  },
];
