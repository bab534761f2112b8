import { app } from '@azure/functions';
import { handle } from './app.ts';

/** The MCP servers of others; 404 for names that no setting has. It owes a 401 or 405 to each of these methods. */
app.http('gateway', {
  methods: ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'],
  authLevel: 'anonymous',
  route: '{name}/mcp',
  handler: handle('gateway'),
});
