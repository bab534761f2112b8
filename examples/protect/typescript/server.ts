// An MCP server whose callers sign in at another server: ISSUER issues the tokens, RESOURCE is this server's own URL.
import { createServer, type IncomingMessage } from 'node:http';
import { Readable } from 'node:stream';
import {
  type AuthInfo,
  createMcpHandler,
  getOAuthProtectedResourceMetadataUrl,
  McpServer,
  OAuthError,
  OAuthErrorCode,
  requireBearerAuth,
} from '@modelcontextprotocol/server';
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

const SCOPE = 'reports:read';
const issuer = process.env.ISSUER ?? 'http://localhost:7071';
const resource = process.env.RESOURCE ?? 'http://localhost:3001/mcp';
const url = new URL(resource);
const metadataUrl = getOAuthProtectedResourceMetadataUrl(url);

/** Fetched when they are needed, and again when a token names one that is not known. */
const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', issuer));

async function verifyAccessToken(token: string): Promise<AuthInfo> {
  const { payload } = await jwtVerify(token, keys, {
    issuer,
    audience: resource,
    typ: 'at+jwt',
    algorithms: ['ES256'],
    requiredClaims: ['sub', 'client_id', 'exp'],
  }).catch(error => {
    // What the keys' server does wrong is no fault of the token: it is thrown on, and answered 500.
    const isAboutToken = error instanceof errors.JOSEError && !/^ERR_(JOSE_GENERIC|JWKS_TIMEOUT)$/.test(error.code);
    throw isAboutToken ? new OAuthError(OAuthErrorCode.InvalidToken, error.message) : error;
  });
  // A token that is bound to a key must not pass without a proof of it (RFC 9449), which is not checked here.
  if (payload.cnf) throw new OAuthError(OAuthErrorCode.InvalidToken, 'The token is bound to a key.');
  return {
    token,
    clientId: String(payload.client_id),
    scopes: String(payload.scope ?? '').split(' '),
    expiresAt: payload.exp ?? 0,
    extra: { sub: payload.sub },
  };
}

const authorize = requireBearerAuth({
  verifier: { verifyAccessToken },
  requiredScopes: [SCOPE],
  resourceMetadataUrl: metadataUrl,
});

const mcp = createMcpHandler(({ authInfo }) => {
  const server = new McpServer({ name: 'Reports', version: '1.0.0' });
  server.registerTool('list_reports', { description: 'Lists the reports of the person who calls.' }, async () => ({
    content: [{ type: 'text', text: `Reports of ${authInfo?.extra?.sub}: none yet.` }],
  }));
  return server;
});

async function answer(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  if (pathname === new URL(metadataUrl).pathname) {
    // RFC 9728: from here clients learn where to sign in.
    return Response.json({ resource, authorization_servers: [issuer], scopes_supported: [SCOPE] });
  }
  if (pathname !== url.pathname) return new Response(null, { status: 404 });
  const authInfo = await authorize(request);
  return authInfo instanceof Response ? authInfo : mcp.fetch(request, { authInfo });
}

/** Node's request as the web's. */
function toRequest({ method = 'GET', headers, url: target = '/' }: IncomingMessage, body: ReadableStream): Request {
  const entries = Object.entries(headers).map(([name, value]): [string, string] => [name, String(value)]);
  const hasBody = method !== 'GET' && method !== 'HEAD';
  const init = { method, headers: entries, ...(hasBody ? { body, duplex: 'half' } : {}) };
  return new Request(new URL(target, url), init as RequestInit);
}

createServer(async (incoming, outgoing) => {
  try {
    const response = await answer(toRequest(incoming, Readable.toWeb(incoming) as ReadableStream));
    outgoing.writeHead(response.status, Object.fromEntries(response.headers));
    for await (const chunk of response.body ?? []) outgoing.write(chunk);
  } catch (error) {
    console.error(error);
    if (!outgoing.headersSent) outgoing.writeHead(500);
  }
  outgoing.end();
}).listen(Number(url.port), 'localhost');
