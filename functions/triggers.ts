import type { HttpTrigger, TimerTrigger } from '../src/index.ts';
import account from './account.ts';
import authCallback from './auth-callback.ts';
import authFrontChannelLogout from './auth-front-channel-logout.ts';
import authInteraction from './auth-interaction.ts';
import authLogin from './auth-login.ts';
import authLogout from './auth-logout.ts';
import authorizationServer from './authorization-server.ts';
import gateway from './gateway.ts';
import health from './health.ts';
import healthReady from './health-ready.ts';
import jwks from './jwks.ts';
import landing from './landing.ts';
import manage from './manage.ts';
import mcp from './mcp.ts';
import oauthAuthorize from './oauth-authorize.ts';
import oauthConsent from './oauth-consent.ts';
import oauthIntrospect from './oauth-introspect.ts';
import oauthRegister from './oauth-register.ts';
import oauthRevoke from './oauth-revoke.ts';
import oauthToken from './oauth-token.ts';
import openidConfiguration from './openid-configuration.ts';
import protectedResource from './protected-resource.ts';
import protectedResourceMcp from './protected-resource-mcp.ts';
import protectedResourceOfGateway from './protected-resource-of-gateway.ts';
import purge from './purge.ts';
import zzNotFound from './zz-not-found.ts';

/** All functions of this app. */
export const triggers: readonly (HttpTrigger | TimerTrigger)[] = [
  account,
  authCallback,
  authFrontChannelLogout,
  authInteraction,
  authLogin,
  authLogout,
  authorizationServer,
  gateway,
  health,
  healthReady,
  jwks,
  landing,
  manage,
  mcp,
  oauthAuthorize,
  oauthConsent,
  oauthIntrospect,
  oauthRegister,
  oauthRevoke,
  oauthToken,
  openidConfiguration,
  protectedResource,
  protectedResourceMcp,
  protectedResourceOfGateway,
  purge,
  zzNotFound,
];
