import { app } from '@azure/functions';
import { handlePage } from './app.ts';

/** Where Entra sends the browser back to. */
app.http('auth-callback', {
  methods: ['GET'],
  authLevel: 'anonymous',
  route: 'auth/callback',
  handler: handlePage('callback'),
});
