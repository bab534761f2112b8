/**
 * What Entra says when it lets nobody in, in plain words, and as the error code
 * of RFC 6749 section 4.1.2.1 that fits.
 */
export interface EntraRefusal {
  /** For the client: an OAuth error code. `invalid_grant` is not for the client: Entra's code was used before. */
  readonly error:
    | 'access_denied'
    | 'invalid_grant'
    | 'login_required'
    | 'interaction_required'
    | 'server_error'
    | 'temporarily_unavailable';
  /** For the person: what happened. */
  readonly what: string;
  /** For the person: what to do now. */
  readonly todo: string;
  /** Entra's own code, `AADSTS…`, where it gave one. */
  readonly code?: string;
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

const TRY_AGAIN = 'Go back to the application and sign in again.';
const ADMINISTRATOR = 'Ask an administrator of your organization.';

type Known = Omit<EntraRefusal, 'code'>;
const denied = (what: string, todo: string): Known => ({ error: 'access_denied', what, todo });

/** Entra's codes that people meet; learn.microsoft.com lists them under "Microsoft Entra authentication and authorization error codes". */
const BY_CODE = new Map<string, Known>(
  Object.entries({
    AADSTS65004: denied(
      'You cancelled the sign-in.',
      'If that was a mistake, go back to the application and sign in again.',
    ),
    AADSTS50057: denied('Your account is disabled.', ADMINISTRATOR),
    AADSTS50105: denied(
      'Your account is not assigned to this application.',
      'Ask an administrator to assign you to it.',
    ),
    AADSTS50020: denied(
      'Your account belongs to another organization.',
      'Sign in with an account of this organization.',
    ),
    AADSTS53003: denied('A conditional access policy does not let you in from here.', ADMINISTRATOR),
    AADSTS65001: denied('The application lacks consent.', 'Ask an administrator to grant consent to it.'),
    AADSTS90094: denied('The application needs an administrator’s consent.', ADMINISTRATOR),
    AADSTS54005: { error: 'invalid_grant', what: 'This sign-in was already used.', todo: TRY_AGAIN },
    AADSTS70008: { error: 'invalid_grant', what: 'This sign-in has expired.', todo: TRY_AGAIN },
    AADSTS7000215: {
      error: 'server_error',
      what: 'This server’s own credentials at Microsoft Entra ID are not valid.',
      todo: 'Tell whoever runs this server: the client secret is wrong.',
    },
    AADSTS7000218: {
      error: 'server_error',
      what: 'Microsoft Entra ID wants a client secret of this server, and it has none.',
      todo: 'Tell whoever runs this server: set AUTH_CLIENT_SECRET.',
    },
    AADSTS7000222: {
      error: 'server_error',
      what: 'This server’s own credentials at Microsoft Entra ID have expired.',
      todo: 'Tell whoever runs this server: the client secret has expired.',
    },
  }),
);

const BY_ERROR = new Map<string, Known>(
  Object.entries({
    access_denied: denied('The sign-in was cancelled or refused.', TRY_AGAIN),
    login_required: { error: 'login_required', what: 'You are not signed in.', todo: TRY_AGAIN },
    interaction_required: {
      error: 'interaction_required',
      what: 'Microsoft Entra ID wants to ask you something.',
      todo: TRY_AGAIN,
    },
    consent_required: { error: 'interaction_required', what: 'The application lacks consent.', todo: ADMINISTRATOR },
    temporarily_unavailable: {
      error: 'temporarily_unavailable',
      what: 'Microsoft Entra ID is busy.',
      todo: 'Wait a minute, then sign in again.',
    },
  }),
);

const UNKNOWN: Known = {
  error: 'server_error',
  what: 'Microsoft Entra ID could not sign you in.',
  todo: `${TRY_AGAIN} If it happens again, tell whoever runs this server the code below.`,
};

/** The refusal for an error that Entra sent. Of its description only the code is kept: the rest may hold anything. */
export function entraRefusal(error: string, description = ''): EntraRefusal {
  const code = /\bAADSTS\d{4,8}\b/.exec(description)?.[0];
  const known = BY_CODE.get(code ?? '') ?? BY_ERROR.get(error) ?? UNKNOWN;
  return code ? { ...known, code } : known;
}
