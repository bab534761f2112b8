/** The authorization server, loaded when the first request for it comes. */
import type { Endpoint } from '../http/endpoint.ts';
import { authorizeEndpoint } from './authorize/authorize.ts';
import { callbackEndpoint } from './authorize/callback.ts';
import { consentEndpoint } from './authorize/consent.ts';
import { loginEndpoint } from './authorize/login.ts';
import { registrationEndpoint } from './clients/register.ts';
import { interactionEndpoint } from './downstream/interaction-endpoint.ts';
import { withFailurePages } from './failure.ts';
import { accountEndpoint } from './people/account.ts';
import { frontChannelLogoutEndpoint } from './people/front-channel-logout.ts';
import { landingEndpoint, type ServerFacts } from './people/landing.ts';
import { logoutEndpoint } from './people/logout.ts';
import { manageEndpoint } from './people/manage.ts';
import type { OAuthServices } from './services.ts';
import { introspectionEndpoint } from './tokens/introspect.ts';
import { revocationEndpoint } from './tokens/revoke.ts';
import { tokenEndpoint } from './tokens/token.ts';

export interface OAuthEndpoints {
  readonly landing: Endpoint;
  readonly login: Endpoint;
  readonly callback: Endpoint;
  readonly interaction: Endpoint;
  readonly logout: Endpoint;
  readonly frontChannelLogout: Endpoint;
  readonly manage: Endpoint;
  readonly account: Endpoint;
  readonly register: Endpoint;
  readonly authorize: Endpoint;
  readonly consent: Endpoint;
  readonly token: Endpoint;
  readonly revoke: Endpoint;
  readonly introspect: Endpoint;
}

export function createOAuth(services: OAuthServices, server: ServerFacts): OAuthEndpoints {
  return {
    landing: withFailurePages(landingEndpoint(services, server)),
    login: withFailurePages(loginEndpoint(services)),
    callback: withFailurePages(callbackEndpoint(services)),
    interaction: withFailurePages(interactionEndpoint(services)),
    logout: withFailurePages(logoutEndpoint(services)),
    frontChannelLogout: withFailurePages(frontChannelLogoutEndpoint(services)),
    manage: withFailurePages(manageEndpoint(services, server)),
    account: withFailurePages(accountEndpoint(services, server)),
    authorize: withFailurePages(authorizeEndpoint(services)),
    consent: withFailurePages(consentEndpoint(services)),
    register: registrationEndpoint(services),
    token: tokenEndpoint(services),
    revoke: revocationEndpoint(services),
    introspect: introspectionEndpoint(services),
  };
}
