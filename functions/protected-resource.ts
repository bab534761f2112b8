import { app } from '@azure/functions';
import { handle } from './app.ts';

/** The protected resource’s metadata, at the root. */
app.http('protected-resource', {
  methods: ['GET', 'OPTIONS'],
  authLevel: 'anonymous',
  route: '.well-known/oauth-protected-resource',
  handler: handle('resourceMetadata'),
});
