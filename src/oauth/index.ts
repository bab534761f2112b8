/** The authorization server, loaded when the first request for it comes. */
import type { Endpoint } from '../http/endpoint.ts';
import { authorizeEndpoint } from './authorize.ts';
import { callbackEndpoint } from './callback.ts';
import { consentEndpoint } from './consent.ts';
import { withFailurePages } from './failure.ts';
import { landingEndpoint, type ServerFacts } from './landing.ts';
import { loginEndpoint } from './login.ts';
import { logoutEndpoint } from './logout.ts';
import { registrationEndpoint } from './register.ts';
import { revocationEndpoint } from './revoke.ts';
import type { OAuthServices } from './services.ts';
import { tokenEndpoint } from './token.ts';

export interface OAuthEndpoints {
  readonly landing: Endpoint;
  readonly login: Endpoint;
  readonly callback: Endpoint;
  readonly logout: Endpoint;
  readonly register: Endpoint;
  readonly authorize: Endpoint;
  readonly consent: Endpoint;
  readonly token: Endpoint;
  readonly revoke: Endpoint;
}

export function createOAuth(services: OAuthServices, server: ServerFacts): OAuthEndpoints {
  return {
    landing: withFailurePages(landingEndpoint(services, server)),
    login: withFailurePages(loginEndpoint(services)),
    callback: withFailurePages(callbackEndpoint(services)),
    logout: withFailurePages(logoutEndpoint(services)),
    authorize: withFailurePages(authorizeEndpoint(services)),
    consent: withFailurePages(consentEndpoint(services)),
    register: registrationEndpoint(services),
    token: tokenEndpoint(services),
    revoke: revocationEndpoint(services),
  };
}
