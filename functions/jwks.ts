import { app } from '@azure/functions';
import { handle } from './app.ts';

/** The public keys of our access tokens. */
app.http('jwks', {
  methods: ['GET', 'OPTIONS'],
  authLevel: 'anonymous',
  route: '.well-known/jwks.json',
  handler: handle('jwks'),
});
