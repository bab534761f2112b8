import { app } from '@azure/functions';
import { handlePage } from './app.ts';

/** Token introspection, for resource servers that the operator has named; pages of other sites have no business here. */
app.http('oauth-introspect', {
  methods: ['POST'],
  authLevel: 'anonymous',
  route: 'oauth/introspect',
  handler: handlePage('introspect'),
});
