import { app } from '@azure/functions';
import { handlePage } from './app.ts';

/** The authorization endpoint. */
app.http('oauth-authorize', {
  methods: ['GET'],
  authLevel: 'anonymous',
  route: 'oauth/authorize',
  handler: handlePage('authorize'),
});
