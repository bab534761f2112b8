/** What every request to the stand-in meets first, before oidc-provider sees it as its own. */
import { IncomingMessage, type ServerResponse } from 'node:http';
import type { Credentials } from './credentials.ts';
import { EntraError, entraErrors } from './errors.ts';
import { errorPage, pageHeaders } from './pages.ts';
import type { Paths } from './paths.ts';
import { providerScopesOf, REQUESTED_CLAIMS, REQUESTED_SCOPE, resourcesOf } from './scopes.ts';

const LOOPBACK = new Set(['localhost', '127.0.0.1', '[::1]']);
const BODY_LIMIT = 64 * 1024;

export type Endpoint = keyof Paths;

/** A request as the record of a stand-in shows it: names only, for values may be secret. */
export interface RecordedRequest {
  method: string;
  path: string;
  endpoint: Endpoint | undefined;
  /** Names of the parameters in query and body, sorted. */
  parameters: string[];
  /** `authorization_code` or `refresh_token`, say, where it is a token request. */
  grantType: string | undefined;
}

/** How an endpoint can fail: answer 503 as Entra does, break the connection, or answer 200 with a page of HTML. */
export type Fault = 'outage' | 'reset' | 'garbage';

type Handler = (req: IncomingMessage, res: ServerResponse, form: URLSearchParams) => Promise<unknown>;

export interface FrontOptions {
  paths: Paths;
  requests: RecordedRequest[];
  faults: Map<Endpoint, Fault>;
  /** What answers where oidc-provider does not. */
  handlers: Partial<Record<Endpoint, Handler>>;
  /** Takes assertions where the application proves itself by them. */
  credentials?: Credentials | undefined;
  /** oidc-provider's request handler. */
  provider: Handler;
  now(): number;
}

/** The request handler of the stand-in's server. */
export function createFront(options: FrontOptions): (req: IncomingMessage, res: ServerResponse) => Promise<void> {
  return async (req, res) => {
    // Joined and not resolved: a path such as //elsewhere must not become the host.
    const address = `http://${req.headers.host}${req.url}`;
    if (!URL.canParse(address) || !LOOPBACK.has(new URL(address).hostname)) {
      return void res.writeHead(421, { 'content-type': 'text/plain' }).end('This stand-in answers on loopback only.\n');
    }
    const url = new URL(address);
    const endpoint = endpointAt(url.pathname, options.paths);
    try {
      await serve(req, res, url, endpoint, options);
    } catch (error) {
      // The browser has gone in the middle of its request, or the stand-in broke off its own answer.
      if (res.destroyed || res.headersSent) return void res.destroy();
      await refuse(res, error instanceof EntraError ? error : entraErrors.bug(String(error)), endpoint, options);
    }
  };
}

async function serve(
  req: IncomingMessage,
  res: ServerResponse,
  url: URL,
  endpoint: Endpoint | undefined,
  options: FrontOptions,
): Promise<void> {
  const body = await bodyOf(req);
  if (body === undefined) return void res.writeHead(413, { connection: 'close' }).end();
  // Graph's own bodies are JSON, which its handler reads from here.
  const form = endpoint === 'graph' ? new URLSearchParams({ json: body }) : new URLSearchParams(body);
  options.requests.push({
    method: req.method ?? '',
    path: url.pathname,
    endpoint,
    parameters: [...new Set([...url.searchParams.keys(), ...form.keys()])].sort(),
    grantType: form.get('grant_type') ?? undefined,
  });
  if (endpoint === undefined)
    return void res.writeHead(404, { 'content-type': 'text/plain' }).end('Nothing is here.\n');

  const fault = options.faults.get(endpoint);
  if (fault !== undefined) return fail(fault, res);

  if (endpoint === 'authorize') {
    // OpenID Connect Core section 3.1.2.1 allows a form too.
    for (const [name, value] of form) url.searchParams.append(name, value);
    checkResource(url.searchParams);
    checkResponseMode(url.searchParams);
    const scope = url.searchParams.get('scope');
    if (scope !== null) url.searchParams.set('scope', providerScopesOf(scope));
    url.searchParams.set(REQUESTED_SCOPE, scope ?? '');
    url.searchParams.set(REQUESTED_CLAIMS, url.searchParams.get('claims') ?? '');
    url.searchParams.delete('claims');
    // oidc-provider would answer errors as JSON to who does not ask for a page.
    Object.assign(req, { method: 'GET', url: url.pathname + url.search });
    req.headers.accept = 'text/html';
  }
  if (endpoint === 'token') {
    checkResource(form);
    await options.credentials?.exchange(form);
    const scope = form.get('scope') ?? '';
    if (resourcesOf(scope).size > 1) throw entraErrors.severalResources(scope);
    // At Entra a grant is for all that was consented to, so what this request asks is not oidc-provider's to check.
    form.delete('scope');
    form.set(REQUESTED_SCOPE, scope);
    form.set(REQUESTED_CLAIMS, form.get('claims') ?? '');
    await options.provider(withBody(req, form), res, form);
    return;
  }
  await (options.handlers[endpoint] ?? options.provider)(req, res, form);
}

function endpointAt(path: string, paths: Paths): Endpoint | undefined {
  const names = Object.keys(paths) as Endpoint[];
  return names.find(name => path === paths[name] || path.startsWith(`${paths[name]}/`));
}

function checkResource(parameters: URLSearchParams): void {
  if (parameters.has('resource')) throw entraErrors.resourceParameter();
}

/** Entra has others; their answers would not pass through here, so would not be made Entra's. */
function checkResponseMode(parameters: URLSearchParams): void {
  if ((parameters.get('response_mode') ?? 'query') === 'query') return;
  throw entraErrors.malformed('this stand-in has no response_mode but query');
}

/** The body of a post; undefined when it is too long. */
async function bodyOf(req: IncomingMessage): Promise<string | undefined> {
  if (req.method !== 'POST') return '';
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of req.iterator({ destroyOnReturn: false })) {
    length += chunk.length;
    if (length > BODY_LIMIT) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}

/** The same request with another form in its body. */
function withBody(req: IncomingMessage, form: URLSearchParams): IncomingMessage {
  const body = Buffer.from(form.toString());
  const copy = new IncomingMessage(req.socket);
  const headers = { ...req.headers, accept: 'application/json', 'content-length': String(body.length) };
  delete headers['transfer-encoding'];
  Object.assign(copy, { method: req.method, url: req.url, httpVersion: req.httpVersion, headers, complete: true });
  copy.push(body);
  copy.push(null);
  return copy;
}

async function refuse(
  res: ServerResponse,
  error: EntraError,
  endpoint: Endpoint | undefined,
  options: FrontOptions,
): Promise<void> {
  const body = error.describe(options.now());
  if (endpoint === 'token') {
    res.writeHead(error.status, { 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-store' });
    res.end(JSON.stringify(body));
  } else {
    res.writeHead(error.status, pageHeaders).end(String(await errorPage(body)));
  }
}

function fail(fault: Fault, res: ServerResponse): void {
  if (fault === 'outage') throw entraErrors.transient();
  if (fault === 'reset') res.socket?.resetAndDestroy();
  if (fault === 'garbage')
    res.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><title>Hello</title>');
}
