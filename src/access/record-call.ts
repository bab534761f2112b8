import type { RequestContext } from '../http/endpoint.ts';
import type { PersonId } from './person.ts';

/** Tells the record of a tool, or another thing with a name, that a person calls or may not call. */
export type RecordCall = (
  context: RequestContext,
  act: 'tool called' | 'tool denied',
  event: { person: PersonId; client: string; grant: string; resource: string; tool: string },
) => Promise<void>;
