import type { Person } from '../../access/person.ts';
import { wordsOf } from '../../access/resources.ts';
import { OFFLINE_ACCESS } from '../../access/scopes.ts';
import type { RequestContext } from '../../http/endpoint.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import { type ClientOrigin, consentPage } from '../../web/index.ts';
import { opensProgram, redirectHost } from '../clients/redirect-uri.ts';
import { PATHS } from '../paths.ts';
import type { OAuthServices } from '../services.ts';
import type { AuthorizationRequest } from './authorization-request.ts';
import { sealConsent } from './consent-request.ts';

/**
 * The consent page for a request. It carries the request sealed to this browser,
 * and the name that its sign-in will have; nothing is stored.
 *
 * @param binding the hash of the browser's cookie
 * @param person whom the page is shown to, where that is known
 */
export function ask(
  { random, now, signins, resources }: Pick<OAuthServices, 'random' | 'now' | 'signins' | 'resources'>,
  context: RequestContext,
  ring: KeyRing,
  asked: AuthorizationRequest,
  { binding, person }: { binding: string; person?: Person },
): Response {
  const resource = resources.get(asked.resource);
  const signinId = signins.newId(random(16), now());
  context.span?.tell({ client: asked.clientId });
  context.span?.signin(signinId);
  return consentPage({
    client: { id: asked.clientId, ...(asked.clientName ? { name: asked.clientName } : {}) },
    source: sourceOf(asked),
    redirectUri: asked.redirectUri,
    redirectHost: redirectHost(asked.redirectUri),
    opensProgram: opensProgram(asked.redirectUri),
    scopes: [
      ...asked.scopes.map(scope => ({ scope, description: wordsOf(resource, scope) })),
      ...(asked.offline ? [{ scope: OFFLINE_ACCESS, description: 'Stay signed in until you end it' }] : []),
    ],
    request: sealConsent(ring, random, { signinId, request: asked, binding, now: now() }),
    action: PATHS.consent,
    resource: asked.resource,
    // With one alone there is nothing to tell it from.
    ...(resource && resources.all.length > 1 ? { resourceName: resource.name } : {}),
    ...(person ? { person } : {}),
  });
}

/** The host of a document is its client's id's. */
function sourceOf({ clientSource, clientId }: AuthorizationRequest): ClientOrigin {
  return clientSource === 'document' ? { kind: 'document', host: new URL(clientId).host } : { kind: clientSource };
}
