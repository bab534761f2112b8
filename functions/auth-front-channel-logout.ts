import { app } from '@azure/functions';
import { handlePage } from './app.ts';

/** Entra’s message that a session of its own is over. */
app.http('auth-front-channel-logout', {
  methods: ['GET'],
  authLevel: 'anonymous',
  route: 'auth/front-channel-logout',
  handler: handlePage('frontChannelLogout'),
});
