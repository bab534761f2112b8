import { app } from '@azure/functions';
import { handlePage } from './app.ts';

/** The account page: what has access in a person’s name, and what is kept of them. */
app.http('account', {
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  route: 'account',
  handler: handlePage('account'),
});
