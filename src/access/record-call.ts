import type { RequestContext } from '../http/endpoint.ts';
import type { PersonId } from './person.ts';

/** Tells the record of what a person uses, or may not use: a tool or a prompt by its name, a resource by its name or URI. */
export type RecordCall = (
  context: RequestContext,
  act: 'tool called' | 'prompt used' | 'resource read' | 'tool denied',
  event: { person: PersonId; client: string; grant: string; resource: string; tool: string },
) => Promise<void>;
