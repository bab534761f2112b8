import {
  accountPage,
  consentPage,
  deletedPage,
  deletionPage,
  errorPage,
  interactionDonePage,
  interactionPage,
  landingPage,
  managePage,
  manageSignInPage,
  signedOutPage,
} from '../../src/web/index.ts';

const scopes = [
  { scope: 'profile', description: 'See your name, e-mail address and work profile' },
  { scope: 'notes:read', description: 'Read the notes that you saved here' },
  { scope: 'notes:write', description: 'Save and delete notes for you, and read them' },
];

const server = { mcpUrl: 'https://notes.example.com/mcp', serverName: 'Entra notes', version: '1.2.3' };
const person = { name: 'Ada Lovelace', email: 'ada@example.com' };
const at = (minutes: number) => new Date(Date.UTC(2026, 10, 23, 9, minutes));
const active = [
  { grantId: 'grant-1', scopes: ['profile', 'notes:read'], issuedAt: at(0), expiresAt: at(60) },
  { grantId: 'grant-2', scopes: ['notes:read', 'notes:write'], issuedAt: at(5), expiresAt: at(65) },
];
const token = `eyJhbGciOiJFUzI1NiIsInR5cCI6ImF0K2p3dCJ9.${'abcdefghijklmnopqrstuvwxyz0123456789'.repeat(14)}.signature`;

const account = { serverName: server.serverName, version: server.version, person, csrf: 'csrf-value', more: 0 };

const frame = { serverName: server.serverName, version: server.version, person, csrf: 'csrf-value' };
const connection = {
  grantId: 'grant-1',
  person: '72f0c3a8-5b1e-4d6c-9a07-3e84d1b2c6f5.0a1b8c5e-2f4d-4e67-8a90-b1c2d3e4f501',
  ...person,
  client: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
  clientName: 'Claude',
  kind: 'client' as const,
  scopes: scopes.map(({ description }) => description),
  since: at(0),
  renewedAt: at(30),
  until: at(45),
  isOver: false,
};

/** Every page, in each of its states: what the tests of all pages go through. */
export const PAGES: Record<string, () => Response> = {
  'landing, nobody': () =>
    landingPage({ ...server, scriptTokens: { enabled: true, scopes, canIssue: false, active: [] } }),
  'landing, two servers': () =>
    landingPage({
      ...server,
      others: [{ name: 'wiki', mcpUrl: 'https://notes.example.com/wiki/mcp' }],
      scriptTokens: { enabled: false, scopes, canIssue: false, active: [] },
    }),
  'landing, signed in': () =>
    landingPage({
      ...server,
      person,
      notice: 'You are signed in.',
      scriptTokens: { enabled: true, scopes, canIssue: true, csrf: 'csrf-value', active: [] },
    }),
  'landing, token issued': () =>
    landingPage({
      ...server,
      person,
      scriptTokens: {
        enabled: true,
        scopes,
        canIssue: true,
        csrf: 'csrf-value',
        issued: { token, expiresAt: at(60), scopes: ['profile', 'notes:read'], grantId: 'grant-1' },
        active,
      },
    }),
  'landing, signed in long ago': () =>
    landingPage({
      ...server,
      person,
      scriptTokens: { enabled: true, scopes, canIssue: false, csrf: 'csrf-value', active: active.slice(1) },
    }),
  'landing, tokens off': () =>
    landingPage({
      ...server,
      person: { email: 'grace@example.com' },
      scriptTokens: { enabled: false, scopes, canIssue: false, csrf: 'csrf-value', active: [] },
    }),
  consent: () =>
    consentPage({
      client: {
        name: 'Claude',
        id: 'https://claude.ai/oauth/mcp-oauth-client-metadata',
      },
      source: { kind: 'document', host: 'claude.ai' },
      redirectUri: 'https://claude.ai/api/mcp/auth_callback',
      redirectHost: 'claude.ai',
      opensProgram: false,
      scopes: [...scopes, { scope: 'offline_access', description: 'Stay signed in until you end it' }],
      request: 'sealed-request',
      action: '/oauth/consent',
      resource: server.mcpUrl,
    }),
  'consent, loopback': () =>
    consentPage({
      client: {
        name: `Worst Case ${'WWWWWWWWWW'.repeat(12)}`,
        id: 'c_5u1nVm8eyXw2vJkqR0hTzLrP7aQd3oGfBsY6iKcE4Wk',
      },
      source: { kind: 'registered' },
      redirectUri: `http://localhost:54321/callback/${'a-very-long-path/'.repeat(12)}`,
      redirectHost: 'localhost:54321',
      opensProgram: true,
      scopes,
      request: 'sealed-request',
      action: '/oauth/consent',
      resource: server.mcpUrl,
    }),
  'consent, another person': () =>
    consentPage({
      client: { id: 'https://apps.example.com/client.json' },
      source: { kind: 'document', host: 'apps.example.com' },
      redirectUri: 'cursor://anysphere.cursor-mcp/oauth/callback',
      redirectHost: 'cursor (an app)',
      opensProgram: true,
      scopes,
      person,
      request: 'sealed-request',
      action: '/oauth/consent',
      resource: server.mcpUrl,
    }),
  error: () =>
    errorPage({
      status: 403,
      title: 'You are not assigned to this application',
      what: 'Your organisation lets only some people use it, and you are not among them yet.',
      todo: 'Ask your administrator to assign you to the application, then start again from your client.',
      correlationId: '0123456789abcdef0123456789abcdef',
      detail: 'AADSTS50105',
      action: { href: '/auth/login', label: 'Try another account' },
    }),
  'error, storage down': () =>
    errorPage({
      status: 503,
      title: 'Try again in a moment',
      what: 'A service behind this server does not answer just now. Nothing was lost.',
      todo: 'Reload this page in a few seconds.',
      correlationId: '0123456789abcdef0123456789abcdef',
      retryAfter: 5,
    }),
  'error, too many requests': () =>
    errorPage({
      status: 429,
      title: 'Too many requests',
      what: 'Too many requests came from your network within a minute.',
      todo: 'Wait 60 seconds, then load this page again.',
      correlationId: '0123456789abcdef0123456789abcdef',
      retryAfter: 60,
    }),
  account: () =>
    accountPage({
      ...account,
      apps: [
        {
          grantId: 'grant-1',
          kind: 'client',
          name: 'Claude',
          origin: 'Its description is published at claude.ai.',
          sentTo: 'claude.ai',
          scopes: scopes.map(({ description }) => description),
          since: at(0),
          usedAt: at(30),
          until: at(45),
          isRenewable: true,
          isOver: false,
          isBoundToKey: true,
        },
        {
          grantId: 'grant-3',
          kind: 'script',
          origin: 'You issued it on the first page of this server.',
          scopes: ['Read the notes that you saved here'],
          since: at(0),
          usedAt: at(0),
          until: at(60),
          isRenewable: false,
          isOver: false,
          isBoundToKey: false,
        },
      ],
      more: 7,
      ended: [
        { kind: 'client', name: 'Cursor', sentTo: 'cursor (an app)', endedAt: at(3), why: 'You ended it.' },
        { kind: 'script', endedAt: at(2), why: 'You ended it.' },
      ],
      notes: { notes: [] },
    }),
  'account, worst case': () =>
    accountPage({
      ...account,
      apps: [
        {
          grantId: 'grant-2',
          kind: 'client',
          name: `Worst Case ${'WWWWWWWWWW'.repeat(12)}`,
          origin: 'It registered itself: nobody has verified its name.',
          sentTo: 'localhost',
          scopes: [],
          since: at(0),
          usedAt: at(0),
          until: at(1),
          isRenewable: false,
          isOver: true,
          isBoundToKey: false,
        },
      ],
      ended: [],
      notes: {
        notes: [
          { id: 'note-1', text: 'Buy milk\n  and bread', savedAt: at(9) },
          { id: 'note-2', text: 'A long note, word after word. '.repeat(20), savedAt: at(8) },
        ],
        next: 'note-2',
      },
    }),
  'account, notes searched': () =>
    accountPage({
      ...account,
      apps: [],
      ended: [],
      notes: {
        notes: [{ id: 'note-9', text: `חלב ${'w'.repeat(90)}`, savedAt: at(7) }],
        query: 'חלב',
        from: 'note-3',
        next: 'note-502',
        lookedBackTo: at(1),
      },
    }),
  'account, deletion': () => deletionPage({ csrf: 'csrf-value', canDelete: true }),
  'account, deleted': () =>
    deletedPage({ entraLogoutUrl: 'https://login.microsoftonline.com/common/oauth2/v2.0/logout' }),
  interaction: () =>
    interactionPage({
      client: 'Claude <b>Code</b>',
      scopes: ['https://graph.microsoft.com/Calendars.Read', `api://${'w'.repeat(90)}/Things.Read`],
      id: '493912AAAAAAAAAAAAAAAAAAAAAA',
      action: '/auth/interaction',
      otherAccount: false,
    }),
  'interaction, no name': () =>
    interactionPage({ client: '', scopes: ['User.Read'], id: 'x', action: '/auth/interaction', otherAccount: true }),
  'interaction, done': () => interactionDonePage(),
  'signed out': () =>
    signedOutPage({
      entraLogoutUrl: 'https://login.microsoftonline.com/common/oauth2/v2.0/logout',
      person: 'sealed-person',
    }),
  'signed out, apps ended': () =>
    signedOutPage({ entraLogoutUrl: 'https://login.microsoftonline.com/common/oauth2/v2.0/logout', ended: 2 }),
  'manage, overview': () =>
    managePage(frame, {
      kind: 'overview',
      connections: [connection, { ...connection, grantId: 'grant-2', kind: 'script', isOver: true }],
      next: '500000~1',
      blocked: [{ client: 'https://evil.example/client.json', at: at(4) }],
    }),
  'manage, a person': () =>
    managePage(frame, {
      kind: 'person',
      person: connection.person,
      connections: [{ ...connection, ended: { at: at(9), why: 'refused by Entra: Your account is disabled.' } }],
    }),
  'manage, a client': () =>
    managePage(frame, {
      kind: 'client',
      client: `https://client.example/${'long-path/'.repeat(20)}`,
      isBlocked: false,
      connections: [connection],
      next: 'c.1~2',
    }),
  'manage, a blocked client': () =>
    managePage(frame, { kind: 'client', client: 'pc.5u1nVm8eyXw2vJkqR0', isBlocked: true, connections: [] }),
  'manage, events': () =>
    managePage(frame, {
      kind: 'events',
      events: [
        {
          act: 'grant ended',
          at: at(1),
          person: connection.person,
          client: connection.client,
          clientName: 'Claude',
          grant: 'grant-1',
          by: connection.person,
          reason: 'ended by an administrator',
          correlationId: '0123456789abcdef0123456789abcdef',
        },
        { act: 'sign-in refused', at: at(0), correlationId: '0123456789abcdef0123456789abcdef' },
      ],
      next: '500000~1',
    }),
  'manage, too late': () => manageSignInPage(),
};
