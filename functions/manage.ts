import { app } from '@azure/functions';
import { handlePage } from './app.ts';

/** The page for administrators. */
app.http('manage', {
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  route: 'manage',
  handler: handlePage('manage'),
});
