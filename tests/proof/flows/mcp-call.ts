import { STATELESS_REVISION } from '../../../src/mcp/revisions.ts';
import type { Answer, Call } from '../rig/load.ts';

/** The cheapest tool call there is, as a client of the newest revision makes it. */
export function sumCall(mcpUrl: string, accessToken: string): Call {
  return toolCall(mcpUrl, accessToken, 'calculate_sum', { numbers: [1, 2, 3] });
}

/** A tool call as a client of the newest revision makes it. */
export function toolCall(mcpUrl: string, accessToken: string, name: string, args: object): Call {
  return {
    url: mcpUrl,
    headers: {
      authorization: `Bearer ${accessToken}`,
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      'mcp-protocol-version': STATELESS_REVISION,
      'mcp-method': 'tools/call',
      'mcp-name': name,
    },
    body: JSON.stringify({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: {
        name,
        arguments: args,
        _meta: {
          'io.modelcontextprotocol/protocolVersion': STATELESS_REVISION,
          'io.modelcontextprotocol/clientInfo': { name: 'proof', version: '1' },
          'io.modelcontextprotocol/clientCapabilities': {},
        },
      },
    }),
  };
}

/** Whether a call was not only answered but done: 200 has also what a tool says to a mistake. */
export function isServed({ status, body }: Pick<Answer, 'status' | 'body'>): boolean {
  return status === 200 && body.includes('"structuredContent":') && !body.includes('"isError":true');
}
