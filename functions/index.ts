import './account.ts';
import './auth-callback.ts';
import './auth-front-channel-logout.ts';
import './auth-interaction.ts';
import './auth-login.ts';
import './auth-logout.ts';
import './authorization-server.ts';
import './gateway.ts';
import './health-ready.ts';
import './health.ts';
import './jwks.ts';
import './landing.ts';
import './manage.ts';
import './mcp.ts';
import './oauth-authorize.ts';
import './oauth-consent.ts';
import './oauth-introspect.ts';
import './oauth-register.ts';
import './oauth-revoke.ts';
import './oauth-token.ts';
import './openid-configuration.ts';
import './protected-resource-mcp.ts';
import './protected-resource-of-gateway.ts';
import './protected-resource.ts';
import './purge.ts';
import './zz-not-found.ts';
import { app as functions } from '@azure/functions';
import { app } from './app.ts';

/** What lies in memory only is written before the process ends, where the host says that it will. */
functions.hook.appTerminate(() => app.flush());

/**
 * An instance starts because a request waits for it, and the first answer, most often a 401 or a document, needs little
 * code. The rest is loaded when that answer is out; who needs it earlier loads it by itself. In milliseconds.
 */
const PRELOAD_AFTER = 1000;
setTimeout(() => app.preload(), PRELOAD_AFTER).unref();
