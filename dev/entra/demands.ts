/** What Entra still wants of people before it gives a token for an API: their consent, or a stronger sign-in. */
import { EntraError, entraErrors } from './errors.ts';
import type { Person } from './people.ts';
import { shortScope } from './scopes.ts';

export interface Demands {
  /** Takes back a person's consent to scopes, which was given for all. */
  requireConsent(person: Person, scopes: readonly string[]): void;
  /** Gives tokens for a scope only to sign-ins that have met an authentication context, such as `c1`. */
  requireContext(person: Person, scope: string, context: string): void;
  lacksConsent(person: Person, scopes: readonly string[]): boolean;
  consent(person: Person, scopes: readonly string[]): void;
  /** Notes that a sign-in, by oidc-provider's id of its grant, was asked with these claims: it has met their contexts. */
  signedIn(grantId: string, claims: string | undefined): void;
  /**
   * Checks a token request.
   * @returns the authentication contexts that the token tells of
   * @throws EntraError AADSTS65001 or 50076, the latter with the claims to ask for
   */
  check(request: { person: Person; grantId: string; scopes: readonly string[]; claims: string | undefined }): string[];
}

export function createDemands(clientId: string): Demands {
  const missing = new Map<Person, Set<string>>();
  const contexts = new Map<Person, Map<string, string>>();
  const met = new Map<string, readonly string[]>();
  const missingOf = (person: Person, scopes: readonly string[]) =>
    scopes.map(shortScope).filter(scope => missing.get(person)?.has(scope));

  return {
    requireConsent(person, scopes) {
      missing.set(person, new Set([...(missing.get(person) ?? []), ...scopes.map(shortScope)]));
    },
    requireContext(person, scope, context) {
      contexts.set(person, new Map([...(contexts.get(person) ?? []), [shortScope(scope), context]]));
    },
    lacksConsent: (person, scopes) => missingOf(person, scopes).length > 0,
    consent(person, scopes) {
      for (const scope of scopes) missing.get(person)?.delete(shortScope(scope));
    },
    signedIn(grantId, claims) {
      met.set(grantId, contextsOf(claims));
    },
    check({ person, grantId, scopes, claims }) {
      if (missingOf(person, scopes).length > 0) {
        const { number, message } = entraErrors.consentNeeded(clientId);
        throw new EntraError(number, 'invalid_grant', message, 400, { suberror: 'consent_required' });
      }
      const demanded = scopes.flatMap(scope => contexts.get(person)?.get(shortScope(scope)) ?? []);
      const wanted = [...new Set([...demanded, ...contextsOf(claims)])];
      const lacking = wanted.find(context => !met.get(grantId)?.includes(context));
      if (lacking !== undefined) throw entraErrors.secondFactor(claimsFor(lacking));
      return wanted;
    },
  };
}

/** The claims request (OpenID Connect Core section 5.5) for an authentication context. */
export function claimsFor(context: string): string {
  return JSON.stringify({ access_token: { acrs: { essential: true, value: context } } });
}

/** What the application says that it can do (`xms_cc`): with `CP1` it understands a claims challenge. */
export function capabilitiesOf(claims: string | undefined): string[] {
  return valuesOf('xms_cc', claims);
}

const contextsOf = (claims: string | undefined) => valuesOf('acrs', claims);

/** What a claims request asks of a claim of access tokens. */
function valuesOf(name: string, claims: string | undefined): string[] {
  const asked = JSON.parse(claims || '{}') as {
    access_token?: Record<string, { value?: string; values?: string[] } | null>;
  };
  const { value, values = [] } = asked.access_token?.[name] ?? {};
  return value === undefined ? values : [value, ...values];
}
