import { app } from '@azure/functions';
import { handle } from './app.ts';

/** The authorization server’s metadata, at the root alone. */
app.http('authorization-server', {
  methods: ['GET', 'OPTIONS'],
  authLevel: 'anonymous',
  route: '.well-known/oauth-authorization-server',
  handler: handle('serverMetadata'),
});
