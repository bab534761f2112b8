import type { AccessToken } from '../access/access-token.ts';
import type { RecordCall } from '../access/record-call.ts';
import { isToolAllowed } from '../access/tool-rules.ts';
import type { GatewayUpstream } from '../config.ts';
import type { RequestContext } from '../http/endpoint.ts';
import { INVALID_PARAMS } from '../http/json-rpc.ts';
import { safeText } from '../log.ts';
import type { Message } from './message.ts';
import { Refusal } from './refusal.ts';

/**
 * Records the call of a tool, and lets it on. Every other message passes.
 * @throws Refusal for a tool that the person may not use
 */
export async function allowTool(
  { tool }: Message,
  { tools, resource }: GatewayUpstream,
  { person, roles, clientId: client, grantId: grant }: AccessToken,
  context: RequestContext,
  record: RecordCall,
): Promise<void> {
  context.span?.tell({ method: tool === undefined ? 'other' : 'tools/call' });
  if (tool === undefined) return;
  const isAllowed = isToolAllowed(tools, roles, tool);
  // The name is the client's: storage would not take every one as it is.
  const event = { person, client, grant, resource, tool: safeText(tool) };
  await record(context, isAllowed ? 'tool called' : 'tool denied', event);
  if (!isAllowed) throw new Refusal(200, 'You may not use this tool.', INVALID_PARAMS);
}
