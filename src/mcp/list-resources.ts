import type { Resource as ResourceListing } from '@modelcontextprotocol/server';
import type { Position } from './cursors.ts';
import type { Resource } from './define-resource.ts';

/** How many entries a page of any list holds. */
export const PAGE = 100;

/** A part of a list, and where the next one begins, if there is one. */
export interface Page<T> {
  readonly entries: T[];
  readonly next?: Position | undefined;
}

/** One page of a list that is all here. */
export function pageOf<T>(all: readonly T[], { at }: Position): Page<T> {
  const end = at + PAGE;
  return { entries: all.slice(at, end), next: end < all.length ? { at: end } : undefined };
}

/**
 * One page of `resources/list`: what has a URI of its own and what the
 * templates lead to, in the order of the catalogue.
 *
 * @param isOpen whether the caller may see a resource
 * @param list asks a template for one page of its own
 */
export async function pageOfResources(
  all: readonly Resource[],
  { at, within }: Position,
  isOpen: (resource: Resource) => boolean,
  list: (
    template: Resource,
    page: { cursor: string | undefined; limit: number },
  ) => Promise<{ resources: ResourceListing[]; cursor?: string }>,
): Promise<Page<ResourceListing>> {
  const entries: ResourceListing[] = [];
  for (const [place, resource] of all.entries()) {
    if (place < at || !isOpen(resource)) continue;
    if (entries.length >= PAGE) return { entries, next: { at: place } };
    if (!resource.isTemplate) {
      entries.push(resource.listing as ResourceListing);
      continue;
    }
    const page = { cursor: place === at ? within : undefined, limit: PAGE - entries.length };
    const { resources, cursor } = await list(resource, page);
    entries.push(...resources);
    if (cursor !== undefined) return { entries, next: { at: place, within: cursor } };
  }
  return { entries };
}
