import { covers } from '../access/scopes.ts';
import { messagesOf } from '../http/json-rpc.ts';
import { type Catalogue, resourceAt } from './catalogue.ts';

/**
 * The scopes that a body's calls need, all messages of a batch together. It
 * looks at the very value that is then served, so the two cannot disagree on
 * what was asked.
 *
 * @param covered the scopes that the caller has, and those that they bring: a list of resources shows what these open
 */
export async function neededScopes(
  body: unknown,
  catalogue: Catalogue,
  covered: ReadonlySet<string>,
): Promise<Set<string>> {
  const needed = new Set<string>();
  for (const { method, params } of messagesOf(body)) {
    const found = typeof params === 'object' && params !== null ? (params as Record<string, unknown>) : {};
    const scopes = scopesOf(method, found, catalogue, covered);
    // Most need no waiting, and a call of a tool pays for none.
    for (const scope of scopes instanceof Promise ? await scopes : scopes) needed.add(scope);
  }
  return needed;
}

/** What is not known needs nothing: that it is unknown is the answer. */
function scopesOf(
  method: unknown,
  params: Record<string, unknown>,
  catalogue: Catalogue,
  covered: ReadonlySet<string>,
): readonly string[] | Promise<readonly string[]> {
  switch (method) {
    case 'tools/call':
      return catalogue.tools.get(text(params.name))?.scopes ?? [];
    case 'prompts/get':
      return catalogue.prompts.get(text(params.name))?.scopes ?? [];
    case 'resources/read':
      return scopesOfUri(catalogue, text(params.uri));
    case 'resources/list':
    case 'resources/templates/list':
      return scopesOfList(catalogue, covered);
    case 'completion/complete':
      return scopesOfReference(params.ref, catalogue);
    default:
      return [];
  }
}

async function scopesOfUri(catalogue: Catalogue, uri: string): Promise<readonly string[]> {
  return (await resourceAt(catalogue, uri))?.resource.scopes ?? [];
}

/** A list that would be empty for want of scopes alone is refused, so that the client learns which to ask for. */
function scopesOfList({ resources }: Catalogue, covered: ReadonlySet<string>): readonly string[] {
  const all = [...resources.values()];
  return all.some(({ scopes }) => covers(covered, scopes)) ? [] : all.flatMap(({ scopes }) => scopes);
}

function scopesOfReference(ref: unknown, { prompts, resources }: Catalogue): readonly string[] {
  if (typeof ref !== 'object' || ref === null) return [];
  const { type, name, uri } = ref as Record<string, unknown>;
  return (type === 'ref/prompt' ? prompts.get(text(name)) : resources.get(text(uri)))?.scopes ?? [];
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
