/** oidc-provider, set up to behave as Entra's v2.0 endpoints do. */
import { randomBytes } from 'node:crypto';
import { interactionPolicy, type KoaContextWithOIDC, Provider } from 'oidc-provider';
import { capabilitiesOf, type Demands } from './demands.ts';
import { authorizeError, EntraError, entraErrors, type ProviderError, tokenError } from './errors.ts';
import { memoryAdapter } from './memory.ts';
import { errorPage, pageHeaders } from './pages.ts';
import type { Paths } from './paths.ts';
import { type Person, subjectOf } from './people.ts';
import { OFFLINE, providerScopes, REQUESTED_CLAIMS, REQUESTED_SCOPE, resourceScopesOf } from './scopes.ts';
import {
  accessTokenClaims,
  clientInfo,
  expiresIn,
  type Grant,
  type IdTokenChange,
  idTokenClaims,
  type SigningKey,
  sign,
} from './tokens.ts';

export interface ProviderOptions {
  issuer: string;
  /** Who issues a person's tokens. */
  issuerOf(person: Person): string;
  port: number;
  tenantId: string;
  clientId: string;
  clientSecret: string | undefined;
  redirectUris: string[];
  people: Person[];
  paths: Paths;
  key: SigningKey;
  isDisabled(person: Person): boolean;
  demands: Demands;
  /** What a test wants changed in id tokens. */
  idTokenChange(): IdTokenChange | undefined;
  /** Scopes that a test wants in answers besides those that are due. */
  moreScopes(): readonly string[];
  now(): number;
}

/** Makes the provider; its `callback()` serves authorize, token and keys. */
export function createProvider(options: ProviderOptions): Provider {
  const { clientId, tenantId, paths } = options;
  const bySubject = new Map(options.people.map(person => [subjectOf(person, clientId), person]));

  const provider = new Provider(options.issuer, {
    adapter: memoryAdapter(),
    clients: [
      {
        client_id: clientId,
        redirect_uris: options.redirectUris,
        grant_types: ['authorization_code', 'refresh_token'],
        response_types: ['code'],
        ...(options.clientSecret === undefined
          ? { token_endpoint_auth_method: 'none' }
          : { token_endpoint_auth_method: 'client_secret_post', client_secret: options.clientSecret }),
      },
    ],
    jwks: { keys: [options.key.jwk] },
    routes: { authorization: paths.authorize, token: paths.token, jwks: paths.keys },
    features: {
      devInteractions: { enabled: false },
      rpInitiatedLogout: { enabled: false },
      userinfo: { enabled: false },
    },
    scopes: providerScopes,
    extraParams: [REQUESTED_SCOPE, REQUESTED_CLAIMS],
    pkce: { required: () => false },
    allowOmittingSingleRegisteredRedirectUri: false,
    rotateRefreshToken: true,
    issueRefreshToken: async (_ctx, _client, code) => code.scopes.has(OFFLINE),
    expiresWithSession: () => false,
    interactions: {
      url: (_ctx, interaction) => `${paths.signIn}/${interaction.uid}`,
      policy: policy(bySubject, options),
    },
    cookies: {
      keys: [randomBytes(32).toString('base64url')],
      // Cookies do not tell ports apart, and two stand-ins may run side by side.
      names: {
        session: `entra_session_${options.port}`,
        interaction: `entra_sign_in_${options.port}`,
        resume: `entra_resume_${options.port}`,
      },
    },
    ttl: {
      AccessToken: 3600,
      AuthorizationCode: 600,
      Grant: 90 * 86400,
      IdToken: 3600,
      Interaction: 3600,
      RefreshToken: 90 * 86400,
      Session: 86400,
    },
    findAccount: async (_ctx, subject) => {
      const person = bySubject.get(subject);
      if (person === undefined || options.isDisabled(person)) return undefined;
      return { accountId: subject, claims: async () => ({ sub: subject }) };
    },
    // Nobody is asked for consent unless the request wants it: an administrator gave it for all.
    loadExistingGrant: async ctx => {
      const grant = new provider.Grant({ clientId, accountId: ctx.oidc.account?.accountId ?? '' });
      grant.addOIDCScope(providerScopes.join(' '));
      options.demands.signedIn(await grant.save(), textOf(ctx.oidc.params?.[REQUESTED_CLAIMS]));
      return grant;
    },
    renderError: async (ctx, out, error) => {
      ctx.status = 400;
      ctx.set(pageHeaders);
      ctx.body = String(await errorPage(pageError(ctx, out, error, options).describe(options.now())));
    },
  });

  provider.on('grant.error', (ctx, error) => {
    const entraError = tokenError(error as ProviderError, {
      tenantId,
      clientId: String(ctx.oidc.params?.client_id ?? ''),
      isPublic: options.clientSecret === undefined,
    });
    ctx.status = entraError.status;
    ctx.body = entraError.describe(options.now());
  });
  provider.use(async (ctx, next) => {
    await next();
    if (ctx.path === paths.token && ctx.status === 200) {
      try {
        ctx.body = await tokenAnswer(ctx as unknown as KoaContextWithOIDC, bySubject, options);
      } catch (error) {
        if (!(error instanceof EntraError)) throw error;
        ctx.status = error.status;
        ctx.body = error.describe(options.now());
      }
    }
    const location = ctx.response.get('location');
    if (location) ctx.set('location', asEntraWould(location, String(ctx.query.response_type ?? ''), options));
  });
  return provider;
}

/** The token endpoint's answer with Entra's tokens in place of oidc-provider's; its refresh token stays. */
async function tokenAnswer(ctx: KoaContextWithOIDC, bySubject: Map<string, Person>, options: ProviderOptions) {
  const { oidc } = ctx;
  const code = oidc.entities.AuthorizationCode;
  const source = code ?? oidc.entities.RefreshToken;
  const person = bySubject.get(source?.accountId ?? '');
  if (source === undefined || person === undefined) throw new Error('A token was given for nobody.');
  const grant: Grant = {
    issuer: options.issuerOf(person),
    clientId: options.clientId,
    person,
    scopes: source.scopes,
    sessionId: source.sessionUid ?? '',
    nonce: code?.nonce,
    authTime: Number(source.amr?.[0]),
    now: options.now(),
  };
  const asked = resourceScopesOf(String(oidc.body?.[REQUESTED_SCOPE] ?? ''));
  const resourceScopes = asked.length > 0 ? asked : ['User.Read'];
  const claims = textOf(oidc.body?.[REQUESTED_CLAIMS]);
  const acrs = options.demands.check({ person, grantId: source.grantId ?? '', scopes: resourceScopes, claims });
  const own = [...source.scopes].filter(scope => scope !== OFFLINE);
  const given = ctx.body as { refresh_token?: string };
  return {
    token_type: 'Bearer',
    scope: [...own, ...resourceScopes, ...options.moreScopes()].join(' '),
    expires_in: expiresIn,
    ext_expires_in: expiresIn,
    access_token: await sign(
      accessTokenClaims(grant, resourceScopes, { acrs, xms_cc: capabilitiesOf(claims) }),
      options.key,
    ),
    ...(given.refresh_token === undefined ? {} : { refresh_token: given.refresh_token }),
    ...(source.scopes.has('openid') ? { id_token: await idToken(grant, options) } : {}),
    ...(oidc.body?.client_info === '1' ? { client_info: clientInfo(person) } : {}),
  };
}

const textOf = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined);

function idToken(grant: Grant, options: ProviderOptions): Promise<string> {
  const claims = idTokenClaims(grant);
  const change = options.idTokenChange();
  return sign(change?.claims?.(claims) ?? claims, change?.key ?? options.key);
}

/** Which sign-in page is due: for a new person, a `login_hint` of somebody else, a `prompt`, or consent that is missing. */
function policy(bySubject: Map<string, Person>, { demands }: ProviderOptions): interactionPolicy.DefaultPolicy {
  const { Check, Prompt, base } = interactionPolicy;
  const prompts = base();
  const login = prompts.get('login');
  login?.checks.add(
    new Check('account', 'the account cannot sign in any more', 'login_required', ctx => {
      return ctx.oidc.account === undefined && ctx.oidc.result?.login === undefined;
    }),
  );
  login?.checks.add(
    new Check('login_hint', 'somebody else is signed in', 'login_required', ctx => {
      const hint = ctx.oidc.params?.login_hint;
      const signedIn = bySubject.get(ctx.oidc.session?.accountId ?? '');
      return hint !== undefined && signedIn?.username !== hint && ctx.oidc.result?.login === undefined;
    }),
  );
  prompts.remove('consent');
  prompts.add(new Prompt({ name: 'select_account', requestable: true }), 0);
  const consent = new Check('consent_missing', 'consent is missing', 'consent_required', ctx => {
    const person = bySubject.get(ctx.oidc.session?.accountId ?? '');
    const scopes = resourceScopesOf(textOf(ctx.oidc.params?.[REQUESTED_SCOPE]) ?? '');
    return person !== undefined && demands.lacksConsent(person, scopes);
  });
  prompts.add(new Prompt({ name: 'consent', requestable: true }, consent));
  return prompts;
}

/** What Entra's own page says where oidc-provider does not trust the redirect URI. */
function pageError(ctx: KoaContextWithOIDC, out: ProviderError, error: Error, options: ProviderOptions): EntraError {
  if (error instanceof EntraError) return error;
  const clientId = String(ctx.query.client_id ?? '');
  if (out.error === 'invalid_redirect_uri') {
    return entraErrors.redirectUri(String(ctx.query.redirect_uri ?? ''), clientId);
  }
  if (out.error === 'invalid_client') return entraErrors.unknownClient(clientId, options.tenantId);
  return entraErrors.malformed(out.error_description ?? out.error);
}

/** A redirect to the application with what Entra sends: no `iss`, its own error texts, its `session_state`. */
function asEntraWould(location: string, responseType: string, options: ProviderOptions): string {
  if (!URL.canParse(location)) return location;
  const url = new URL(location);
  const placeOf = ({ origin, pathname }: URL) => origin + pathname;
  if (!options.redirectUris.some(uri => placeOf(new URL(uri)) === placeOf(url))) return location;
  // Errors about a response_type other than code come in the fragment.
  const answer = url.hash === '' ? url.searchParams : new URLSearchParams(url.hash.slice(1));
  answer.delete('iss');
  const error = answer.get('error');
  if (error === null) answer.set('session_state', options.key.kid);
  else nameError(answer, error, responseType, options);
  if (url.hash !== '') url.hash = answer.toString();
  return url.href;
}

/** Puts Entra's number and words into an error, as far as they are not there. */
function nameError(answer: URLSearchParams, error: string, responseType: string, options: ProviderOptions): void {
  const description = answer.get('error_description') ?? '';
  if (!description.startsWith('AADSTS')) {
    const entra = authorizeError({ error, error_description: description }, options.clientId, responseType);
    const body = entra.describe(options.now());
    answer.set('error', body.error);
    answer.set('error_description', body.error_description);
  }
  const number = /^AADSTS(\d+)/.exec(answer.get('error_description') ?? '')?.[1];
  answer.set('error_uri', `https://login.microsoftonline.com/error?code=${number}`);
  if (number === '65004') answer.set('error_subcode', 'cancel');
}
