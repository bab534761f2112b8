import { app } from '@azure/functions';
import { handle } from './app.ts';

/** The metadata of the protected resources of the gateway, each at the location that its path gives; 404 for other names. */
app.http('protected-resource-of-gateway', {
  methods: ['GET', 'OPTIONS'],
  authLevel: 'anonymous',
  route: '.well-known/oauth-protected-resource/{name}/mcp',
  handler: handle('resourceMetadata'),
});
