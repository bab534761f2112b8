import type { AccessToken } from '../access/access-token.ts';
import type { RecordCall } from '../access/record-call.ts';
import { isToolAllowed } from '../access/tool-rules.ts';
import type { GatewayUpstream } from '../config.ts';
import type { RequestContext } from '../http/endpoint.ts';
import { INVALID_PARAMS } from '../http/json-rpc.ts';
import { safeText } from '../log.ts';
import type { Message } from './message.ts';
import { Refusal } from './refusal.ts';

/** What is on record, by method; all other messages only find out, or keep a session going. */
const ACTS = { 'tools/call': 'tool called', 'prompts/get': 'prompt used', 'resources/read': 'resource read' } as const;

/**
 * Records the use of a tool, a prompt or a resource, and lets it on. Every other message passes.
 * @throws Refusal for a tool that the person may not use
 */
export async function allowUse(
  { method, subject }: Message,
  { tools, resource }: GatewayUpstream,
  { person, roles, clientId: client, grantId: grant }: AccessToken,
  context: RequestContext,
  record: RecordCall,
): Promise<void> {
  const isUse = isKnown(method) && subject !== undefined;
  context.span?.tell({ method: isUse ? method : 'other' });
  if (!isUse) return;
  const isAllowed = method !== 'tools/call' || isToolAllowed(tools, roles, subject);
  // The name is the client's: storage would not take every one as it is. What a URI asks for is not for the record.
  const name = method === 'resources/read' ? subject.replace(/[?#].*/s, '') : subject;
  const event = { person, client, grant, resource, tool: safeText(name) };
  await record(context, isAllowed ? ACTS[method] : 'tool denied', event);
  if (!isAllowed) throw new Refusal(200, 'You may not use this tool.', INVALID_PARAMS);
}

function isKnown(method: string | undefined): method is keyof typeof ACTS {
  return method !== undefined && Object.hasOwn(ACTS, method);
}
