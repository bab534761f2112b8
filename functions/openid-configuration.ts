import { app } from '@azure/functions';
import { handle } from './app.ts';

/** The same at OpenID Connect Discovery’s location. */
app.http('openid-configuration', {
  methods: ['GET', 'OPTIONS'],
  authLevel: 'anonymous',
  route: '.well-known/openid-configuration',
  handler: handle('serverMetadata'),
});
