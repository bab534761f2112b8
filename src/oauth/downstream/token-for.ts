import {
  DownstreamRefusedError,
  type DownstreamRequest,
  type DownstreamToken,
  type TokenFor,
} from '../../access/downstream.ts';
import { personKey } from '../../access/person.ts';
import { type EntraRefusal, EntraRefusedError } from '../../entra/errors.ts';
import { UnavailableError } from '../../http/errors.ts';
import { hashOf } from '../../keys/hash.ts';
import type { OAuthServices } from '../services.ts';
import { SharedCalls } from '../tokens/shared-calls.ts';
import { grantSeal, openUpstream } from '../tokens/upstream-tokens.ts';
import { offerInteraction } from './interaction.ts';
import { livingGrant } from './living-grant.ts';

/** A token within this time of its end is not given out any more, in milliseconds. */
const MARGIN_MS = 300_000;

/** What a claims challenge may ask for, in characters; those of Entra and Graph have a hundred. */
const LONGEST_CLAIMS = 2_000;

type Services = Pick<
  OAuthServices,
  'entra' | 'grants' | 'keys' | 'now' | 'origin' | 'random' | 'revocations' | 'signins'
>;

/**
 * Tokens for other APIs, got with the refresh token of Entra that lies sealed in
 * the grant. This instance remembers each, for its grant and scopes alone, until
 * five minutes before it expires. Who asks for the same at once shares one call;
 * what fails is not remembered. A claims challenge passes what is remembered by,
 * and its answer takes that place.
 *
 * Whether the grant still lives is asked when Entra is: no request comes here
 * with a token that was revoked.
 */
export function createTokenFor(services: Services): TokenFor {
  const { now } = services;
  const tokens = new SharedCalls<DownstreamToken>(now, ({ expiresAt }) => expiresAt - MARGIN_MS);
  const challenged = new SharedCalls<DownstreamToken>(now);

  return async request => {
    const { person, grantId, claims } = request;
    const scopes = [...new Set(request.scopes)].sort();
    const name = `${personKey(person)} ${grantId} ${scopes.join(' ')}`;
    const call = () => askEntra(services, { ...request, scopes });
    if (claims === undefined) return tokens.once(name, call);
    checkClaims(claims);
    const token = await challenged.once(`${name} ${hashOf('claims', claims)}`, call);
    tokens.put(name, token);
    return token;
  };
}

async function askEntra(services: Services, { person, grantId, scopes, claims }: DownstreamRequest) {
  const key = { person, grantId };
  const grant = await livingGrant(services, key);
  if (!grant) throw new DownstreamRefusedError('This sign-in has ended. Sign in again.');
  if (grant.kind === 'script') {
    throw new DownstreamRefusedError(
      'A token for scripts reaches this server alone. Use an application that signs in for what needs another service.',
    );
  }
  const upstream = openUpstream(await services.keys(), grantSeal(key), grant);
  if (!upstream) {
    throw new DownstreamRefusedError('What Microsoft Entra ID gave at this sign-in is gone. Sign in again.');
  }
  try {
    return await services.entra.tokenFor({ refreshToken: upstream.refreshToken, scopes, claims });
  } catch (error) {
    if (!(error instanceof EntraRefusedError)) throw error;
    const { refusal } = error;
    if (refusal.error === 'temporarily_unavailable') throw new UnavailableError('entra', error);
    if (mendsByVisit(refusal)) {
      const wanted = { ...key, scopes, claims: refusal.claims ?? claims };
      throw new DownstreamRefusedError(`Microsoft Entra ID wants to see you first: ${words(refusal)}`, {
        code: refusal.code,
        offer: () => offerInteraction(services, wanted),
      });
    }
    if (refusal.error !== 'access_denied') throw error;
    throw new DownstreamRefusedError(`${words(refusal)} ${refusal.todo}`, { code: refusal.code });
  }
}

function words({ what, code }: EntraRefusal): string {
  return code ? `${what} (${code})` : what;
}

/** Whether Entra would say yes after it has seen the person: by the kind of its error, or since it says what to ask with. */
function mendsByVisit({ error, upstreamError = '', claims }: EntraRefusal): boolean {
  return (
    claims !== undefined || INTERACTIVE.has(error) || (error === 'server_error' && upstreamError === 'invalid_grant')
  );
}

const INTERACTIVE = new Set([
  'account_selection_required',
  'consent_required',
  'interaction_required',
  'invalid_grant',
  'login_required',
]);

/** What is no claims request would be an error in the library that sends it. */
function checkClaims(claims: string): void {
  let value: unknown;
  try {
    value = claims.length <= LONGEST_CLAIMS ? JSON.parse(claims) : undefined;
  } catch {
    // Told below.
  }
  if (value !== null && typeof value === 'object' && !Array.isArray(value)) return;
  throw new Error(`claims is a JSON object of ${LONGEST_CLAIMS} characters at most`);
}
