import { app } from '@azure/functions';
import { handlePage } from './app.ts';

/** The landing page. The host takes an empty route for the function’s name, so the route is an optional segment of no length. */
app.http('landing', {
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  route: '{ignored:maxlength(0)?}',
  handler: handlePage('landing'),
});
