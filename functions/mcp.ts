import type { HttpTrigger } from '../src/index.ts';

/** The MCP endpoint. It owes a 401 or 405 to each of these methods; for the others the host says 404. */
export default {
  name: 'mcp',
  methods: ['GET', 'HEAD', 'POST', 'DELETE', 'OPTIONS'],
  authLevel: 'anonymous',
  route: 'mcp',
  endpoint: 'mcp',
  callers: 'programs',
} satisfies HttpTrigger;
