import { app } from '@azure/functions';
import { handlePage } from './app.ts';

/** Sends the browser to Entra. */
app.http('auth-login', { methods: ['GET'], authLevel: 'anonymous', route: 'auth/login', handler: handlePage('login') });
