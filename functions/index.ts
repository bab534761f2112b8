import './auth-callback.ts';
import './auth-login.ts';
import './auth-logout.ts';
import './authorization-server.ts';
import './health.ts';
import './jwks.ts';
import './landing.ts';
import './mcp.ts';
import './oauth-authorize.ts';
import './oauth-consent.ts';
import './oauth-register.ts';
import './oauth-revoke.ts';
import './oauth-token.ts';
import './openid-configuration.ts';
import './protected-resource-mcp.ts';
import './protected-resource.ts';
import './purge.ts';
import { app } from './app.ts';

// All functions are registered. What the first requests need loads while the host goes on.
void app.preload();
