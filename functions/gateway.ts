import type { HttpTrigger } from '../src/index.ts';

/** The MCP servers of others; 404 for names that no setting has. It owes a 401 or 405 to each of these methods. */
export default {
  name: 'gateway',
  methods: ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'],
  authLevel: 'anonymous',
  route: '{name}/mcp',
  endpoint: 'gateway',
  callers: 'programs',
} satisfies HttpTrigger;
