import { personKey } from '../../access/person.ts';
import { scopesOf } from '../../access/resources.ts';
import { type FormParameters, readForm } from '../../http/body.ts';
import type { Endpoint, RequestContext } from '../../http/endpoint.ts';
import { redirect } from '../../http/responses.ts';
import type { KeyRing } from '../../keys/key-ring.ts';
import { type LandingProps, landingPage } from '../../web/index.ts';
import { failure, invalidForm, tooManyRequests } from '../failure.ts';
import { PATHS } from '../paths.ts';
import { isSameOriginPost } from '../same-origin.ts';
import type { OAuthServices } from '../services.ts';
import { endGrant } from '../tokens/end-grant.ts';
import { isGrantId } from '../tokens/refresh-token.ts';
import { activeScriptTokens, issueScriptToken, MOST_SCRIPT_TOKENS, type ScriptToken } from './script-token.ts';
import { type BrowserSession, csrfToken, currentSession, isCsrfToken, isFresh } from './session.ts';

export interface ServerFacts {
  readonly name: string;
  readonly version: string;
}

/**
 * The landing page: what this server is, who is signed in, and on their asking a
 * bearer token for scripts, which can be ended here too.
 */
export function landingEndpoint(services: OAuthServices, server: ServerFacts): Endpoint {
  const { keys, limits, scriptTokens, resource, origin } = services;
  const { own } = services.resources;
  const others = services.resources.all
    .filter(({ kind }) => kind === 'gateway')
    .map(({ name, resource }) => ({ name, mcpUrl: resource }));

  return async (request, context) => {
    // The form comes first: a body that is none may have replaced the headers.
    const form = request.method === 'POST' ? await readForm(request) : undefined;
    const session = await currentSession(services, request);
    const ring = await keys();
    if (!form) return show(ring, session);
    if (!session || !isSameOriginPost(request, origin) || !isCsrfToken(ring, session, form.get('csrf'))) {
      return failure(request, context, invalidForm());
    }
    const action = form.get('action');
    if (action === 'issue-token' || action === 'end-token') {
      const taken = limits.scriptTokens.take(personKey(session.person));
      if (!taken.ok) return failure(request, context, tooOften(taken.retryAfterSeconds));
    }
    switch (action) {
      case 'issue-token':
        return issue(request, context, ring, session, form);
      case 'end-token':
        return end(context, session, form.get('grant_id') ?? '');
      default:
        return redirect(`${origin}/`);
    }
  };

  async function issue(
    request: Request,
    context: RequestContext,
    ring: KeyRing,
    session: BrowserSession,
    form: FormParameters,
  ): Promise<Response> {
    const scopes = scopesOf(own, form.all('scope').join(' '));
    if (!scriptTokens || !isFresh(services, session) || scopes.length === 0) {
      const nothingTicked = scriptTokens && isFresh(services, session);
      return failure(request, context, {
        status: nothingTicked ? 400 : 403,
        error: nothingTicked ? 'invalid_scope' : 'access_denied',
        what: nothingTicked
          ? 'No scope was ticked, so the token could do nothing.'
          : 'A token is given only within 15 minutes of signing in, and only where this server allows it.',
        todo: nothingTicked ? 'Go back and tick what the token may do.' : 'Sign in again, then ask for the token.',
        action: nothingTicked
          ? { href: '/', label: 'Back' }
          : { href: `${PATHS.login}?prompt=login`, label: 'Sign in again' },
      });
    }
    const issued = await issueScriptToken(services, context, session, scopes);
    if (!issued) {
      return failure(request, context, {
        status: 403,
        error: 'access_denied',
        what: `You have ${MOST_SCRIPT_TOKENS} tokens in use, which is as many as one person may have.`,
        todo: 'End one of them first.',
        action: { href: '/', label: 'To your tokens' },
      });
    }
    return show(ring, session, { ...issued, scopes });
  }

  async function end(context: RequestContext, { person }: BrowserSession, grantId: string): Promise<Response> {
    if (isGrantId(grantId)) {
      await endGrant(services, context, { person, grantId }, { reason: 'ended by the person' });
    }
    return redirect(`${origin}/`);
  }

  async function show(
    ring: KeyRing,
    session: BrowserSession | undefined,
    issued?: ScriptToken & { scopes: readonly string[] },
  ): Promise<Response> {
    const props: LandingProps = {
      mcpUrl: resource,
      serverName: server.name,
      version: server.version,
      others,
      ...(session ? { person: session.person, isAdministrator: session.isAdministrator } : {}),
      scriptTokens: {
        enabled: scriptTokens,
        scopes: own.scopes.map(({ name, description }) => ({ scope: name, description })),
        canIssue: session !== undefined && isFresh(services, session),
        ...(session ? { csrf: csrfToken(ring, session) } : {}),
        ...(issued ? { issued: { ...issued, expiresAt: new Date(issued.expiresAt) } } : {}),
        active: session ? await activeTokens(session) : [],
      },
    };
    return landingPage(props);
  }

  async function activeTokens({ person }: BrowserSession) {
    return (await activeScriptTokens(services, person)).map(grant => ({
      grantId: grant.grantId,
      scopes: scopesOf(own, grant.scope),
      issuedAt: new Date(grant.issuedAt),
      expiresAt: new Date(grant.expiresAt),
    }));
  }
}

function tooOften(retryAfterSeconds: number) {
  return { ...tooManyRequests(retryAfterSeconds), what: 'You have issued or ended too many tokens in a minute.' };
}
