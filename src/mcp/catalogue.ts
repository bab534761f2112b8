import type { Prompt } from './define-prompt.ts';
import type { Resource } from './define-resource.ts';
import type { Tool } from './define-tool.ts';

/** All that is served, by the names that clients use. */
export interface Catalogue {
  readonly tools: ReadonlyMap<string, Tool>;
  readonly prompts: ReadonlyMap<string, Prompt>;
  /** By URI, or by template. */
  readonly resources: ReadonlyMap<string, Resource>;
}

/** @throws Error that names it when two of a kind have the same name, or the same URI */
export function createCatalogue({ tools, prompts, resources }: Definitions): Catalogue {
  return {
    tools: byKey('tools have the same name', tools, tool => tool.name),
    prompts: byKey('prompts have the same name', prompts, prompt => prompt.name),
    resources: byKey('resources have the same URI', resources, resource => resource.uri),
  };
}

export interface Definitions {
  tools: readonly Tool[];
  prompts: readonly Prompt[];
  resources: readonly Resource[];
}

/** What a URI names: the resource that has it, or else the first template that it fits. */
export async function resourceAt(
  { resources }: Catalogue,
  uri: string,
): Promise<{ resource: Resource; variables: Record<string, string> } | undefined> {
  const exact = resources.get(uri);
  if (exact && !exact.isTemplate) return { resource: exact, variables: {} };
  for (const resource of resources.values()) {
    const variables = resource.isTemplate ? await resource.match(uri) : undefined;
    if (variables) return { resource, variables };
  }
  return undefined;
}

function byKey<T>(clash: string, all: readonly T[], keyOf: (one: T) => string): ReadonlyMap<string, T> {
  const found = new Map<string, T>();
  for (const one of all) {
    const key = keyOf(one);
    if (found.has(key)) throw new Error(`Two ${clash}: ${key}.`);
    found.set(key, one);
  }
  return found;
}
