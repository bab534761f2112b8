import { OFFLINE_ACCESS, SCOPES } from '../../access/scopes.ts';
import type { Endpoint } from '../../http/endpoint.ts';
import { type ClientOrigin, consentPage } from '../../web/index.ts';
import { opensProgram, redirectHost } from '../clients/redirect-uri.ts';
import { failure } from '../failure.ts';
import { PATHS } from '../paths.ts';
import type { OAuthServices } from '../services.ts';
import {
  type AuthorizationRequest,
  AuthorizationRequestError,
  readAuthorizationRequest,
} from './authorization-request.ts';
import { beginBinding } from './browser-binding.ts';
import { sealConsent } from './consent-request.ts';

/**
 * The authorization endpoint (OAuth 2.1 section 4.1.1): checks the request,
 * binds it to the browser and asks the person. Nothing goes to Entra, and
 * nothing is stored, before the person has approved.
 */
export function authorizeEndpoint(services: OAuthServices): Endpoint {
  const { clients, resource, origin, cookies, keys, random, now, signins } = services;

  return async (request, context) => {
    try {
      const asked = await readAuthorizationRequest(request, context, { clients, resource, origin });
      const ring = await keys();
      const binding = beginBinding(request, cookies.binding, ring, random);
      const signinId = signins.newId(random(16), now());
      context.log.debug('authorization requested', { client: asked.clientId, scopes: asked.scopes, signin: signinId });

      const page = consentPage({
        client: { id: asked.clientId, ...(asked.clientName ? { name: asked.clientName } : {}) },
        redirectUri: asked.redirectUri,
        redirectHost: redirectHost(asked.redirectUri),
        source: clientOrigin(asked),
        opensProgram: opensProgram(asked.redirectUri),
        scopes: [
          ...asked.scopes.map(scope => ({ scope, description: SCOPES[scope] })),
          ...(asked.offline ? [{ scope: OFFLINE_ACCESS, description: 'Stay signed in until you end it' }] : []),
        ],
        request: sealConsent(ring, random, { signinId, request: asked, binding: binding.hash, now: now() }),
        action: PATHS.consent,
        resource: asked.resource,
      });
      page.headers.append('set-cookie', binding.setCookie);
      return page;
    } catch (error) {
      if (!(error instanceof AuthorizationRequestError)) throw error;
      return failure(request, context, { status: 400, error: error.error, what: error.message, todo: error.todo });
    }
  };
}

/** The host of a document is its client's id's. */
function clientOrigin({ clientSource, clientId }: AuthorizationRequest): ClientOrigin {
  return clientSource === 'document' ? { kind: clientSource, host: new URL(clientId).host } : { kind: clientSource };
}
