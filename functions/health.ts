import { app } from '@azure/functions';
import { handle } from './app.ts';

/** Whether this instance can serve. */
app.http('health', { methods: ['GET'], authLevel: 'anonymous', route: 'health', handler: handle('health') });
