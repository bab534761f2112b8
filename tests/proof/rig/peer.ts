/**
 * What the app is compared with under load: a Functions app with the MCP library alone, which serves the same tool to
 * anybody. Built and run as the app is.
 */
import { app as functions } from '@azure/functions';
import { createMcpHandler, Server } from '@modelcontextprotocol/server';
import { toHandler } from '../../../src/http/functions-adapter.ts';
import { createLogger } from '../../../src/log.ts';
import type { ToolContext } from '../../../src/mcp/define-tool.ts';
import calculateSum from '../../../src/mcp/tools/calculate-sum.ts';

const bare = createMcpHandler(() => {
  const server = new Server({ name: 'bare', version: '1' }, { capabilities: { tools: {} } });
  server.setRequestHandler('tools/list', () => ({ tools: [calculateSum.listing] }));
  // This tool uses nothing of its context.
  server.setRequestHandler('tools/call', ({ params }) => calculateSum.call(params.arguments, {} as ToolContext));
  return server;
});

functions.setup({ enableHttpStream: true });
const log = createLogger('error', (level, line) => console[level](line));
functions.http('mcp', {
  route: 'mcp',
  methods: ['POST'],
  authLevel: 'anonymous',
  handler: toHandler(async () => request => bare.fetch(request), {
    log: () => log,
    newCorrelationId: () => 'peer',
    streaming: true,
    cors: true,
  }),
});
