import fc from 'fast-check';
import { type Fields, HEADER, NASTY, NOISE, type Sent, URIS, withMember } from '../../support/broken-requests.ts';

/** Registrations of clients, with one member that is wrong. */
export function registrations(): fc.Arbitrary<Sent> {
  const members = {
    redirect_uris: ['http://localhost:1/cb'],
    client_name: 'x',
    token_endpoint_auth_method: 'none',
    scope: 'profile',
  };
  const value = fc.oneof(NASTY, fc.jsonValue({ maxDepth: 3 }), fc.array(URIS, { maxLength: 3 }));
  const document = fc
    .tuple(fc.constantFrom('__proto__', 'constructor', ...Object.keys(members)), value)
    .map(([name, bad]) => withMember(members, name, bad));
  return fc.oneof({ weight: 8, arbitrary: document }, { weight: 1, arbitrary: NOISE }).map(body => ({
    method: 'POST',
    path: '/oauth/register',
    headers: { 'content-type': 'application/json' },
    body,
  }));
}

/** Messages to an MCP server, with something wrong in them or in their headers. */
export function messages(path: string, accessToken: string, proof: fc.Arbitrary<Fields>): fc.Arbitrary<Sent> {
  const value = fc.oneof(NASTY, fc.jsonValue({ maxDepth: 2 }));
  const method = fc.constantFrom(
    'initialize',
    'ping',
    'tools/list',
    'tools/call',
    'resources/read',
    'prompts/get',
    'completion/complete',
    'server/discover',
    'x',
  );
  const params = fc.oneof(
    value,
    fc.record({ name: fc.constantFrom('calculate_sum', 'x'), arguments: value, uri: value, _meta: value }),
    fc.record({ name: NOTE_TOOLS, arguments: noteArguments(value) }),
    fc.constant({ name: 'calculate_sum', arguments: { numbers: [1, 2] } }),
  );
  const message = fc
    .tuple(
      method,
      params,
      fc.option(fc.tuple(fc.constantFrom('jsonrpc', 'id', 'method', '__proto__', 'result'), value)),
    )
    .map(([called, given, bad]) => {
      const whole = { jsonrpc: '2.0', id: 1, method: called, params: given };
      return bad ? withMember(whole, ...bad) : JSON.stringify(whole);
    });
  const header = fc.constantFrom(
    'mcp-protocol-version',
    'mcp-session-id',
    'mcp-method',
    'mcp-name',
    'accept',
    'content-type',
    'origin',
  );
  const right = {
    authorization: `Bearer ${accessToken}`,
    'content-type': 'application/json',
    accept: 'application/json, text/event-stream',
  };
  return fc
    .tuple(
      fc.oneof({ weight: 6, arbitrary: message }, { weight: 2, arbitrary: NOISE }),
      fc.option(fc.tuple(header, HEADER)),
      fc.option(proof, { freq: 1 }),
    )
    .map(([body, bad, dpop]) => ({
      method: 'POST',
      path,
      headers: { ...right, ...dpop, ...(bad ? { [bad[0]]: bad[1] } : {}) },
      body,
    }));
}

const NOTE_TOOLS = fc.constantFrom('save_user_note', 'get_user_notes', 'delete_user_note', 'export_user_notes');

/** What the tools for notes take, some of it as it should be. */
function noteArguments(value: fc.Arbitrary<unknown>): fc.Arbitrary<object> {
  return fc.record(
    { note: fc.oneof(fc.constant('A note.'), value), idempotency_key: value, id: value, cursor: value, limit: value },
    { requiredKeys: [] },
  );
}
