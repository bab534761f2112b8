import type { PersonId } from '../access/person.ts';

/**
 * What Entra says when it lets nobody in, in plain words, and as the error code
 * that fits: RFC 6749 section 4.1.2.1, OpenID Connect Core section 3.1.2.6.
 */
export interface EntraRefusal {
  /** For the client: an OAuth error code. `invalid_grant` is not for the client: Entra's code was used before. */
  readonly error:
    | 'access_denied'
    | 'invalid_grant'
    | 'login_required'
    | 'interaction_required'
    | 'consent_required'
    | 'account_selection_required'
    | 'server_error'
    | 'temporarily_unavailable';
  /** For the person: what happened. */
  readonly what: string;
  /** For the person: what to do now. */
  readonly todo: string;
  /** Entra's own code, `AADSTS…`, where it gave one. */
  readonly code?: string;
  /** Where a person learns whom to ask. */
  readonly helpUrl?: string;
  /** Entra's own word for it (RFC 6749 section 5.2). */
  readonly upstreamError?: string;
  /** What the next sign-in is to be asked with (OpenID Connect Core section 5.5), as JSON. */
  readonly claims?: string;
  /** Whether it was a rule of this server, and not Entra, that said no. */
  readonly isOurs?: true;
  /** Who has signed in and may not enter, where that is known. */
  readonly person?: PersonId;
}

/** Entra, or what it sent, is not what this app can go on with. */
export class EntraRefusedError extends Error {
  override readonly name = 'EntraRefusedError';
  readonly refusal: EntraRefusal;

  constructor(refusal: EntraRefusal) {
    super(refusal.code ? `${refusal.error} (${refusal.code})` : refusal.error);
    this.refusal = refusal;
  }
}

type Known = Omit<EntraRefusal, 'code'>;

const TRY_AGAIN = 'Sign in again.';
const ADMINISTRATOR = 'Ask an administrator of your organization.';
const ANOTHER_ACCOUNT = 'Sign in with an account of this organization.';

const denied = (what: string, todo: string): Known => ({ error: 'access_denied', what, todo });

/** The person is let in after one more step at Entra, which it asks for by itself at the next sign-in. */
const interaction = (what: string): Known => ({ error: 'interaction_required', what, todo: TRY_AGAIN });

const signInAgain = (what: string): Known => ({ error: 'login_required', what, todo: TRY_AGAIN });

/** What only the operator can mend. */
const misconfigured = (what: string, mend: string): Known => ({
  error: 'server_error',
  what,
  todo: `Tell whoever runs this server: ${mend}`,
});

const BUSY: Known = {
  error: 'temporarily_unavailable',
  what: 'Microsoft Entra ID is busy.',
  todo: 'Wait a minute, then sign in again.',
};

const UNKNOWN_ACCOUNT = denied('This organization does not know your account.', ANOTHER_ACCOUNT);
const FOREIGNER = denied('Your account belongs to another organization.', ANOTHER_ACCOUNT);
const SECOND_FACTOR = interaction('Your organization wants a second proof that it is you.');
const SESSION_OVER = signInAgain('Your session with Microsoft has ended.');
const WANTS_DEVICE = denied('Your organization lets you in only from a device that it manages.', ADMINISTRATOR);
const CONDITIONAL_ACCESS = denied('A conditional access policy does not let you in from here.', ADMINISTRATOR);
const SECURITY_POLICY = denied('A security policy of your organization does not let you in.', ADMINISTRATOR);
const OTHER_TENANTS_ONLY = denied('Your network lets you sign in to other organizations only.', ADMINISTRATOR);
const NO_DIRECTORY: Known = {
  error: 'temporarily_unavailable',
  what: 'The directory in which your organization checks passwords does not answer.',
  todo: 'Wait some minutes, then sign in again.',
};
const WRONG_CERTIFICATE = misconfigured(
  'Microsoft Entra ID does not know this server’s certificate.',
  'add the certificate of AUTH_CLIENT_CERTIFICATE to the app registration.',
);
const WRONG_SECRET = misconfigured(
  'This server’s own credentials at Microsoft Entra ID are not valid.',
  'the client secret is wrong.',
);
const UNKNOWN_APP = misconfigured(
  'Microsoft Entra ID does not know this server in your organization.',
  'AUTH_CLIENT_ID or AUTH_TENANT_ID is wrong.',
);
const LACKS_PERMISSION = misconfigured(
  'This server’s registration lacks a permission, or an administrator’s consent to it.',
  'list what it needs under API permissions, and grant consent.',
);
const NOT_IN_TENANT = misconfigured(
  'This server names an organization that Microsoft Entra ID does not know.',
  'AUTH_TENANT_ID is wrong.',
);
const WRONG_SCOPE = misconfigured(
  'This server asks Microsoft Entra ID for something that does not exist.',
  'AUTH_SCOPES is wrong.',
);
const NOT_A_WEB_APP = misconfigured(
  'This server’s address is registered at Microsoft Entra ID as another kind of application.',
  'register AUTH_REDIRECT_URI under the platform "Web".',
);

/** The federated credential was made minutes ago, or is wrong: Entra answers alike. */
const SPREADING: Known = {
  error: 'temporarily_unavailable',
  what: 'This server’s credential has not spread through Microsoft Entra ID, which takes minutes after it was made.',
  todo: 'Wait some minutes, then sign in again. If it lasts, tell whoever runs this server: the federated credential is wrong.',
};

/** The numbers of Entra's errors that people meet; learn.microsoft.com lists them under "Microsoft Entra authentication and authorization error codes". */
const BY_NUMBER = new Map<number, Known>([
  // The person, or what they did.
  [65004, denied('You cancelled the sign-in.', 'If that was a mistake, sign in again.')],
  [50034, UNKNOWN_ACCOUNT],
  [51004, UNKNOWN_ACCOUNT],
  [50014, UNKNOWN_ACCOUNT],
  [16003, UNKNOWN_ACCOUNT],
  [500341, denied('Your account was deleted from this organization.', ANOTHER_ACCOUNT)],
  [50020, FOREIGNER],
  [90072, FOREIGNER],
  [500208, denied('An account of this kind cannot sign in here.', ANOTHER_ACCOUNT)],
  [50128, denied('The name you gave belongs to no organization.', ANOTHER_ACCOUNT)],
  [50059, denied('The name you gave belongs to no organization.', ANOTHER_ACCOUNT)],
  [50126, denied('The user name or password is wrong.', TRY_AGAIN)],
  [
    50053,
    denied('Your account is locked after too many wrong sign-ins.', `Wait, then try again. Or: ${ADMINISTRATOR}`),
  ],
  [50055, denied('Your password has expired.', 'Change it at Microsoft, then sign in again.')],
  [50144, denied('Your password has expired.', 'Change it as your organization does, then sign in again.')],
  [
    50135,
    denied(
      'Your password must be changed, for somebody else may know it.',
      'Change it at Microsoft, then sign in again.',
    ),
  ],
  [50125, interaction('Your organization wants you to reset your password, or to register for that.')],
  [50057, denied('Your account is disabled.', ADMINISTRATOR)],
  [
    16000,
    {
      error: 'account_selection_required',
      what: 'Microsoft Entra ID does not know which of your accounts to use.',
      todo: 'Sign in again and choose one.',
    },
  ],

  // The organization's rules.
  [50105, denied('Your account is not assigned to this application.', 'Ask an administrator to assign you to it.')],
  [
    65001,
    {
      error: 'consent_required',
      what: 'The application lacks consent.',
      todo: 'Ask an administrator to grant consent to it.',
    },
  ],
  [90094, denied('The application needs an administrator’s consent.', 'Ask an administrator to grant it.')],
  [
    90095,
    denied('The application needs an administrator’s consent.', 'When your request is granted, sign in once more.'),
  ],
  [53000, WANTS_DEVICE],
  [53001, WANTS_DEVICE],
  [50097, WANTS_DEVICE],
  [530003, WANTS_DEVICE],
  [50129, WANTS_DEVICE],
  [50005, denied('Your organization does not let you in from a device of this kind.', ADMINISTRATOR)],
  [135011, denied('The device that you sign in from is disabled.', ADMINISTRATOR)],
  [53002, denied('Your organization does not allow this sign-in from the program that you use.', ADMINISTRATOR)],
  [53003, CONDITIONAL_ACCESS],
  [50131, CONDITIONAL_ACCESS],
  [530032, SECURITY_POLICY],
  [530035, SECURITY_POLICY],
  [500212, denied('Your own organization does not let you into this one.', ADMINISTRATOR)],
  [500213, denied('This organization does not let in people of yours.', ADMINISTRATOR)],
  [500021, OTHER_TENANTS_ONLY],
  [500022, OTHER_TENANTS_ONLY],
  [650052, denied('This server needs a service that your organization has not enabled.', ADMINISTRATOR)],
  [53004, denied('A second proof cannot be set up, for your sign-in looks unusual.', ADMINISTRATOR)],
  [53010, denied('A second proof can be set up only where your organization allows it.', ADMINISTRATOR)],
  [53011, denied('Your account is blocked, for it may be in the hands of somebody else.', ADMINISTRATOR)],
  [50072, SECOND_FACTOR],
  [50074, SECOND_FACTOR],
  [50076, SECOND_FACTOR],
  [50078, SECOND_FACTOR],
  [50079, SECOND_FACTOR],
  [50158, SECOND_FACTOR],
  [500121, denied('The second proof that it is you did not succeed.', TRY_AGAIN)],

  // The session at Entra, or its code.
  [50058, signInAgain('You are not signed in with Microsoft.')],
  [50132, SESSION_OVER],
  [50133, SESSION_OVER],
  [50173, SESSION_OVER],
  [70043, SESSION_OVER],
  [70044, SESSION_OVER],
  [700082, SESSION_OVER],
  [70000, signInAgain('What Microsoft gave for your sign-in is not valid any more.')],
  [50089, SESSION_OVER],
  [54005, { error: 'invalid_grant', what: 'This sign-in was already used.', todo: TRY_AGAIN }],
  [70008, { error: 'invalid_grant', what: 'This sign-in has expired.', todo: TRY_AGAIN }],

  // How this server is registered.
  [70021, SPREADING],
  [700211, SPREADING],
  [700212, SPREADING],
  [700213, SPREADING],
  [
    700222,
    misconfigured(
      'Microsoft Entra ID does not take this server’s identity for its credential.',
      'the federated credential must be for a managed identity of the same tenant.',
    ),
  ],
  [700027, WRONG_CERTIFICATE],
  [50012, WRONG_CERTIFICATE],
  [
    700024,
    misconfigured(
      'This server’s proof towards Microsoft Entra ID is out of time.',
      'its clock is wrong, or its certificate has expired.',
    ),
  ],
  [
    50011,
    misconfigured(
      'This server’s address is not registered at Microsoft Entra ID.',
      'add AUTH_REDIRECT_URI to the redirect URIs of the app registration.',
    ),
  ],
  [700016, UNKNOWN_APP],
  [700011, UNKNOWN_APP],
  [
    50194,
    misconfigured(
      'This server is not registered for your organization.',
      'AUTH_TENANT_ID is not the tenant of its app registration.',
    ),
  ],
  [7000112, misconfigured('This server is disabled at Microsoft Entra ID.', 'enable its enterprise application.')],
  [90002, NOT_IN_TENANT],
  [900023, NOT_IN_TENANT],
  [500011, WRONG_SCOPE],
  [650053, WRONG_SCOPE],
  [650057, WRONG_SCOPE],
  [70011, WRONG_SCOPE],
  [65005, LACKS_PERMISSION],
  [650056, LACKS_PERMISSION],
  [
    28000,
    misconfigured(
      'This server asks Microsoft Entra ID for scopes of several APIs at once.',
      'AUTH_SCOPES, with User.Read where AUTH_ALLOWED_GROUPS is set, may name those of one.',
    ),
  ],
  [9002325, NOT_A_WEB_APP],
  [9002326, NOT_A_WEB_APP],
  [9002327, NOT_A_WEB_APP],
  [700025, NOT_A_WEB_APP],
  [7000215, WRONG_SECRET],
  [70002, WRONG_SECRET],
  [
    7000218,
    misconfigured(
      'Microsoft Entra ID wants a client secret of this server, and it has none.',
      'set AUTH_CLIENT_SECRET.',
    ),
  ],
  [
    7000222,
    misconfigured(
      'This server’s own credentials at Microsoft Entra ID have expired.',
      'the client secret has expired.',
    ),
  ],

  // Entra itself.
  [90006, BUSY],
  [90024, BUSY],
  [90033, BUSY],
  [90055, BUSY],
  [90012, BUSY],
  [90090, BUSY],
  [50033, BUSY],
  [50087, BUSY],
  [
    50196,
    {
      error: 'temporarily_unavailable',
      what: 'Microsoft Entra ID was asked for the same too often.',
      todo: 'Wait some minutes, then sign in again.',
    },
  ],
  [80001, NO_DIRECTORY],
  [80002, NO_DIRECTORY],
]);

/** What goes by the OAuth code alone, where the number is missing or not known. */
const BY_ERROR = new Map<string, Known>([
  ['access_denied', denied('The sign-in was cancelled or refused.', TRY_AGAIN)],
  ['login_required', signInAgain('You are not signed in.')],
  ['interaction_required', interaction('Microsoft Entra ID wants to ask you something.')],
  ['consent_required', { error: 'consent_required', what: 'The application lacks consent.', todo: ADMINISTRATOR }],
  ['temporarily_unavailable', BUSY],
]);

const UNKNOWN: Known = {
  error: 'server_error',
  what: 'Microsoft Entra ID could not sign you in.',
  todo: `${TRY_AGAIN} If it happens again, tell whoever runs this server.`,
};

/** The refusal for an error that Entra sent. Of its description only the number is kept: the rest may hold anything. */
export function entraRefusal(error: string, description = ''): EntraRefusal {
  const number = /\bAADSTS(\d{4,8})\b/.exec(description)?.[1];
  const known = BY_NUMBER.get(Number(number)) ?? BY_ERROR.get(error) ?? UNKNOWN;
  const upstreamError = /^[a-z_]{1,40}$/.test(error) ? { upstreamError: error } : {};
  return { ...known, ...upstreamError, ...(number ? { code: `AADSTS${number}` } : {}) };
}

/**
 * Whether a refusal of a renewal is about the person, and not about this server's
 * own credentials or Entra's state: by Entra's own word, or a rule of this server.
 */
export function isAboutThePerson({ isOurs, error, upstreamError = '' }: EntraRefusal): boolean {
  // Some numbers of what passes come as `invalid_grant` too.
  if (error === 'temporarily_unavailable') return false;
  return isOurs === true || PERSONAL.has(upstreamError) || (upstreamError === '' && error === 'access_denied');
}

const PERSONAL = new Set([
  'access_denied',
  'consent_required',
  'interaction_required',
  'invalid_grant',
  'login_required',
]);
