import { app } from '@azure/functions';
import { handle } from './app.ts';

/** The MCP endpoint. It owes a 401 or 405 to each of these methods; for the others the host says 404. */
app.http('mcp', {
  methods: ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'],
  authLevel: 'anonymous',
  route: 'mcp',
  handler: handle('mcp'),
});
