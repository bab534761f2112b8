import { app } from '@azure/functions';
import { handlePage } from './app.ts';

/** The person’s decision. */
app.http('oauth-consent', {
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  route: 'oauth/consent',
  handler: handlePage('consent'),
});
