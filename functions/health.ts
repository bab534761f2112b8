import { app } from '@azure/functions';
import { handlePage } from './app.ts';

/** Whether this instance can serve. */
app.http('health', { methods: ['GET'], authLevel: 'anonymous', route: 'health', handler: handlePage('health') });
