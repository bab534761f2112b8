import { app } from '@azure/functions';
import { handle } from './app.ts';

/** Sends the browser to Entra. */
app.http('auth-login', { methods: ['GET'], authLevel: 'anonymous', route: 'auth/login', handler: handle('login') });
