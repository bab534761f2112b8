import { app } from '@azure/functions';
import { handlePage } from './app.ts';

/** Whether everything that this app relies on answers. */
app.http('health-ready', {
  methods: ['GET'],
  authLevel: 'anonymous',
  route: 'health/ready',
  handler: handlePage('ready'),
});
