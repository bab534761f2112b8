import { app } from '@azure/functions';
import { handle } from './app.ts';

/** Token revocation. */
app.http('oauth-revoke', {
  methods: ['POST', 'OPTIONS'],
  authLevel: 'anonymous',
  route: 'oauth/revoke',
  handler: handle('revoke'),
});
