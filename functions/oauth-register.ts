import { app } from '@azure/functions';
import { handle } from './app.ts';

/** Dynamic client registration. */
app.http('oauth-register', {
  methods: ['POST', 'OPTIONS'],
  authLevel: 'anonymous',
  route: 'oauth/register',
  handler: handle('register'),
});
