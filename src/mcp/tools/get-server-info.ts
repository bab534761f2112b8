import * as z from 'zod';
import { personKey } from '../../access/person.ts';
import { defineTool } from '../define-tool.ts';
import { PROTOCOL_REVISIONS } from '../revisions.ts';

export default defineTool({
  name: 'get_server_info',
  title: 'About this server',
  description: 'Tells the name, version and state of this server, and who is asking.',
  scopes: [],
  input: z.object({}),
  output: z.object({
    name: z.string(),
    version: z.string(),
    protocol_revisions: z.array(z.string()).describe('The revisions of MCP that are served, newest first'),
    uptime_seconds: z.int().describe('Of the instance that answers'),
    storage_reachable: z.boolean(),
    asking: z.object({ person: z.string(), client_id: z.string(), scopes: z.array(z.string()) }),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  handler: async (_args, { server, services, person, token, scopes, now }) => ({
    name: server.name,
    version: server.version,
    protocol_revisions: [...PROTOCOL_REVISIONS],
    uptime_seconds: Math.floor((now() - server.startedAt) / 1000),
    storage_reachable: await services.storageAnswers(),
    asking: { person: personKey(person), client_id: token.clientId, scopes: [...scopes] },
  }),
});
