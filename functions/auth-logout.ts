import { app } from '@azure/functions';
import { handlePage } from './app.ts';

/** Ends the browser’s session. */
app.http('auth-logout', {
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  route: 'auth/logout',
  handler: handlePage('logout'),
});
