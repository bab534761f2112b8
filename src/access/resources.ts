import type { Config } from '../config.ts';
import type { ScopeWords } from '../resource-settings.ts';
import { rolesOf } from './tool-rules.ts';

/** What tokens are issued for: our own MCP endpoint, those of the gateway, and servers elsewhere. */
export interface ProtectedResource {
  /** Its absolute URL: RFC 8707's `resource`, and the `aud` of its tokens. */
  readonly resource: string;
  /** What people read that they give access to. */
  readonly name: string;
  readonly kind: 'own' | 'gateway' | 'external';
  /** In the order in which challenges, metadata and tokens name them; never empty. */
  readonly scopes: readonly ScopeWords[];
  /** The app roles that its tokens tell of, where the person has them. */
  readonly roles: readonly string[];
}

export interface ResourceDirectory {
  /** Our own MCP endpoint: the first of all. */
  readonly own: ProtectedResource;
  readonly all: readonly ProtectedResource[];
  /**
   * What a `resource` parameter asks for (RFC 8707 section 2). Our bare origin
   * asks for our own endpoint, unless there are others at that origin.
   */
  find(asked: string): ProtectedResource | undefined;
  /** The one of exactly this URL, as a grant or a client's settings name it; `undefined` when it is configured no more. */
  get(resource: string): ProtectedResource | undefined;
}

/** @param own what our own endpoint is called, its scopes, and the app roles that its tools demand */
export function createResourceDirectory(
  config: Pick<Config, 'resource' | 'resources' | 'gateway'>,
  own: Pick<ProtectedResource, 'name' | 'scopes' | 'roles'>,
): ResourceDirectory {
  const first: ProtectedResource = { ...own, resource: config.resource, kind: 'own' };
  const all: readonly ProtectedResource[] = [
    first,
    ...config.gateway.upstreams.map(({ name, resource, scopes, tools }) => ({
      resource,
      name,
      kind: 'gateway' as const,
      scopes,
      roles: rolesOf(tools),
    })),
    ...config.resources.map(resource => ({ ...resource, kind: 'external' as const })),
  ];
  const byUrl = new Map(all.map(each => [each.resource, each]));
  const isOriginShared = all.some(({ kind }) => kind === 'gateway');
  return {
    own: first,
    all,
    find: asked => all.find(each => namesResource(asked, each) && !(isOriginShared && isOrigin(asked))),
    get: resource => byUrl.get(resource),
  };
}

/**
 * Whether a `resource` parameter (RFC 8707 section 2) names a resource: scheme and
 * host in any case, a slash at the end or none, and for our own endpoint the bare
 * origin too, which some clients send. A path that only leads there, a fragment or
 * a query names something else.
 */
export function namesResource(
  asked: string,
  { resource, kind }: Pick<ProtectedResource, 'resource' | 'kind'>,
): boolean {
  const path = pathOf(asked);
  if (path === undefined) return false;
  const [url, known] = [new URL(asked), new URL(resource)];
  if (url.origin !== known.origin || url.username || url.password) return false;
  return path === known.pathname.replace(/\/$/, '') || (kind === 'own' && path === '');
}

const isOrigin = (asked: string) => pathOf(asked) === '';

/** As it is written, without one slash at its end: a URL's parser would resolve dots and turn backslashes. */
function pathOf(asked: string): string | undefined {
  const [, path] = /^https?:\/\/[^/\\?#\s]+((?:\/[^/\\?#\s]+)*)\/?$/i.exec(asked) ?? [];
  return path !== undefined && URL.canParse(asked) ? path : undefined;
}

/** A resource's scopes among those of a `scope` parameter (RFC 6749 section 3.3), in its order; the others are dropped. */
export function scopesOf({ scopes }: Pick<ProtectedResource, 'scopes'>, parameter: string): string[] {
  const asked = new Set(parameter.split(' '));
  return scopes.map(({ name }) => name).filter(name => asked.has(name));
}

/** What a scope allows, in words; its name where the resource has it no more. */
export function wordsOf(resource: ProtectedResource | undefined, scope: string): string {
  return resource?.scopes.find(({ name }) => name === scope)?.description ?? scope;
}

/** What a grant allows, in words: elsewhere than at our own endpoint with the resource's name before. */
export function accessOf(
  { own, get }: ResourceDirectory,
  grant: { readonly resource: string; readonly scope: string },
): string[] {
  const resource = get(grant.resource);
  const place = resource === own ? '' : `${resource?.name ?? grant.resource}: `;
  return grant.scope.split(' ').map(scope => place + wordsOf(resource, scope));
}

/** Where the metadata of a resource is that this app serves (RFC 9728 section 3.1). */
export function resourceMetadataUrl(resource: string): string {
  const { origin, pathname } = new URL(resource);
  return `${origin}/.well-known/oauth-protected-resource${pathname}`;
}
