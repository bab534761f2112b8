import { app } from '@azure/functions';
import { handlePage } from './app.ts';

/** Where a person agrees at Entra to what a tool needs of another service. */
app.http('auth-interaction', {
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  route: 'auth/interaction',
  handler: handlePage('interaction'),
});
