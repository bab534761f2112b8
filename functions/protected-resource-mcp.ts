import { app } from '@azure/functions';
import { handle } from './app.ts';

/** The protected resource’s metadata, at the location that its path gives. */
app.http('protected-resource-mcp', {
  methods: ['GET', 'OPTIONS'],
  authLevel: 'anonymous',
  route: '.well-known/oauth-protected-resource/mcp',
  handler: handle('resourceMetadata'),
});
