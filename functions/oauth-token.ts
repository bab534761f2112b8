import { app } from '@azure/functions';
import { handle } from './app.ts';

/** The token endpoint. */
app.http('oauth-token', {
  methods: ['POST', 'OPTIONS'],
  authLevel: 'anonymous',
  route: 'oauth/token',
  handler: handle('token'),
});
