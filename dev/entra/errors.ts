/** Entra's errors: its numbers, its words, the shape it answers them in. */
import { randomUUID } from 'node:crypto';

/** One error of Entra's: the OAuth code that goes with it and its text after `AADSTS<number>: `. */
export class EntraError extends Error {
  readonly number: number;
  readonly error: string;
  readonly status: number;
  readonly more: Pick<EntraErrorBody, 'suberror' | 'claims'>;

  constructor(number: number, error: string, message: string, status = 400, more: EntraError['more'] = {}) {
    super(message);
    this.number = number;
    this.error = error;
    this.status = status;
    this.more = more;
  }

  /** The text with the trace that Entra adds, as it stands in `error_description`. */
  describe(now: number): EntraErrorBody {
    const [traceId, correlationId] = [randomUUID(), randomUUID()];
    const timestamp = `${new Date(now).toISOString().slice(0, 19).replace('T', ' ')}Z`;
    return {
      error: this.error,
      error_description: `AADSTS${this.number}: ${this.message} Trace ID: ${traceId} Correlation ID: ${correlationId} Timestamp: ${timestamp}`,
      error_codes: [this.number],
      timestamp,
      trace_id: traceId,
      correlation_id: correlationId,
      error_uri: `https://login.microsoftonline.com/error?code=${this.number}`,
      ...this.more,
    };
  }
}

/** What the token endpoint answers. */
export interface EntraErrorBody {
  error: string;
  error_description: string;
  error_codes: number[];
  timestamp: string;
  trace_id: string;
  correlation_id: string;
  error_uri: string;
  /** Of what kind the interaction is that would help. */
  suberror?: string;
  /** What the next sign-in has to be asked with. */
  claims?: string;
}

export const entraErrors = {
  resourceParameter: () =>
    new EntraError(901002, 'invalid_request', "The 'resource' request parameter is not supported."),
  severalResources: (scope: string) =>
    new EntraError(
      28000,
      'invalid_request',
      `Provided value for the input parameter scope is not valid because it contains more than one resource. Scope ${scope} is not valid.`,
    ),
  redirectUri: (uri: string, clientId: string) =>
    new EntraError(
      50011,
      'invalid_request',
      `The redirect URI '${uri}' specified in the request does not match the redirect URIs configured for the application '${clientId}'. Make sure the redirect URI sent in the request matches one added to your application in the Azure portal.`,
    ),
  unknownClient: (clientId: string, tenantId: string) =>
    new EntraError(
      700016,
      'unauthorized_client',
      `Application with identifier '${clientId}' was not found in the directory '${tenantId}'.`,
    ),
  wrongSecret: (clientId: string) =>
    new EntraError(
      7000215,
      'invalid_client',
      `Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '${clientId}'.`,
      401,
    ),
  noSecret: () =>
    new EntraError(
      7000218,
      'invalid_client',
      "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
      401,
    ),
  unknownCertificate: (clientId: string) =>
    new EntraError(
      700027,
      'invalid_client',
      `The certificate with identifier used to sign the client assertion is not registered on application '${clientId}'.`,
      401,
    ),
  assertionExpired: () =>
    new EntraError(700024, 'invalid_client', 'Client assertion is not within its valid time range.', 401),
  assertionAudience: (audience: string) =>
    new EntraError(
      700023,
      'invalid_client',
      `Client assertion audience claim does not match Realm issuer. Review the documentation. (${audience})`,
      401,
    ),
  noFederatedIssuer: (issuer: string) =>
    new EntraError(
      700211,
      'invalid_client',
      `No matching federated identity record found for presented assertion issuer '${issuer}'.`,
      401,
    ),
  noFederatedAudience: (audience: string) =>
    new EntraError(
      700212,
      'invalid_client',
      `No matching federated identity record found for presented assertion audience '${audience}'.`,
      401,
    ),
  noFederatedSubject: (subject: string) =>
    new EntraError(
      700213,
      'invalid_client',
      `No matching federated identity record found for presented assertion subject '${subject}'.`,
      401,
    ),
  noFederatedIdentity: () =>
    new EntraError(
      70021,
      'invalid_client',
      'No matching federated identity record found for presented assertion.',
      401,
    ),
  secretOfPublicClient: () =>
    new EntraError(
      700025,
      'invalid_client',
      "Client is public so neither 'client_assertion' nor 'client_secret' should be presented.",
      401,
    ),
  spentCode: () =>
    new EntraError(
      54005,
      'invalid_grant',
      'OAuth2 Authorization code was already redeemed, please retry with a new valid code or use an existing refresh token.',
    ),
  expired: () =>
    new EntraError(
      70008,
      'invalid_grant',
      'The provided authorization code or refresh token has expired due to inactivity. Send a new interactive authorization request for this user and resource.',
    ),
  invalidGrant: (parameter: string) =>
    new EntraError(70000, 'invalid_grant', `The provided value for the input parameter '${parameter}' is not valid.`),
  verifier: () =>
    new EntraError(
      501481,
      'invalid_grant',
      'The Code_Verifier does not match the code_challenge supplied in the authorization request.',
    ),
  replyAddress: () =>
    new EntraError(
      500112,
      'invalid_grant',
      'The reply address does not match the reply address provided when requesting Authorization code.',
    ),
  grantType: () => new EntraError(70003, 'unsupported_grant_type', 'The app requested an unsupported grant type.'),
  responseType: (type: string) =>
    new EntraError(
      type.includes('id_token') ? 700054 : 700051,
      'unsupported_response_type',
      `response_type '${type}' is not enabled for the application.`,
    ),
  missing: (parameter: string) =>
    new EntraError(900144, 'invalid_request', `The request body must contain the following parameter: '${parameter}'.`),
  malformed: (why: string) =>
    new EntraError(9002313, 'invalid_request', `Invalid request. Request is malformed or invalid. (${why})`),
  transient: () =>
    new EntraError(90033, 'temporarily_unavailable', 'A transient error has occurred. Please try again.', 503),
  bug: (why: string) => new EntraError(90004, 'server_error', `The stand-in itself failed: ${why}.`, 500),
  cancelled: () => new EntraError(65004, 'access_denied', 'User declined to consent to access the app.'),
  disabled: (error: 'access_denied' | 'invalid_grant') => new EntraError(50057, error, 'The user account is disabled.'),
  secondFactor: (claims: string) =>
    new EntraError(
      50076,
      'invalid_grant',
      'Due to a configuration change made by your administrator, or because you moved to a new location, you must use multi-factor authentication to access the resource.',
      400,
      { suberror: 'basic_action', claims },
    ),
  unassigned: (username: string, clientId: string) =>
    new EntraError(
      50105,
      'access_denied',
      `Your administrator has configured the application '${clientId}' to block users unless they are specifically granted ('assigned') access to the application. The signed in user '${username}' is blocked because they are not a direct member of a group with access, nor had access directly assigned by an administrator. Please contact your administrator to assign access to this application.`,
    ),
  notSignedIn: () =>
    new EntraError(50058, 'login_required', 'A silent sign-in request was sent but no user is signed in.'),
  selectAccount: () =>
    new EntraError(
      16000,
      'interaction_required',
      'Either multiple user identities are available for the current request or selected account is not supported for the scenario.',
    ),
  consentNeeded: (clientId: string) =>
    new EntraError(
      65001,
      'consent_required',
      `The user or administrator has not consented to use the application with ID '${clientId}'. Send an interactive authorization request for this user and resource.`,
    ),
};

/** An error as oidc-provider raises it. */
export interface ProviderError {
  error: string;
  error_description?: string | undefined;
  /** What it does not tell the client: which of several reasons it was. */
  error_detail?: string | undefined;
}

/** Of which application a token request was. */
export interface RequestingClient {
  clientId: string;
  tenantId: string;
  isPublic: boolean;
}

/** What Entra would have said where oidc-provider's token endpoint raised `error`. */
export function tokenError(error: ProviderError, { clientId, tenantId, isPublic }: RequestingClient): EntraError {
  const detail = error.error_detail ?? '';
  switch (error.error) {
    case 'invalid_client':
      if (detail === 'client not found') return entraErrors.unknownClient(clientId, tenantId);
      if (detail === 'invalid secret provided') return entraErrors.wrongSecret(clientId);
      return isPublic ? entraErrors.secretOfPublicClient() : entraErrors.noSecret();
    case 'invalid_request': {
      const description = error.error_description ?? '';
      if (description.startsWith('no client authentication')) return entraErrors.missing('client_id');
      const parameter = /^missing required parameters? '(\w+)'/.exec(description)?.[1];
      return parameter === undefined ? entraErrors.malformed(description) : entraErrors.missing(parameter);
    }
    case 'invalid_grant':
      if (detail.includes('already consumed')) return entraErrors.spentCode();
      if (detail.includes('expired')) return entraErrors.expired();
      if (detail.includes('referenced account not found')) return entraErrors.disabled('invalid_grant');
      if (detail.includes('redirect_uri')) return entraErrors.replyAddress();
      if (detail.includes('code_verifier') || detail.includes('code_challenge')) return entraErrors.verifier();
      return entraErrors.invalidGrant(detail.includes('refresh token') ? 'refresh_token' : 'code');
    case 'unsupported_grant_type':
      return entraErrors.grantType();
    default:
      return entraErrors.malformed(error.error_description ?? error.error);
  }
}

/** What Entra would have said where oidc-provider's authorize endpoint sends `error` back to the application. */
export function authorizeError(error: ProviderError, clientId: string, responseType: string): EntraError {
  switch (error.error) {
    case 'login_required':
      return entraErrors.notSignedIn();
    case 'account_selection_required':
    case 'interaction_required':
      return entraErrors.selectAccount();
    case 'consent_required':
      return entraErrors.consentNeeded(clientId);
    case 'unsupported_response_type':
      return entraErrors.responseType(responseType);
    default:
      if (error.error_description?.includes('response_type is not')) return entraErrors.responseType(responseType);
      return entraErrors.malformed(error.error_description ?? error.error);
  }
}
