import * as z from 'zod';
import { personKey } from '../../access/person.ts';
import { defineTool } from '../define-tool.ts';

export default defineTool({
  name: 'get_user_profile',
  title: 'My profile',
  description: 'Tells who is signed in: name, e-mail address and the identifiers that Entra ID gives.',
  scopes: ['profile'],
  input: z.object({}),
  output: z.object({
    id: z.string().describe('Names the person here: the tenant and the object in it'),
    tenant_id: z.string(),
    object_id: z.string(),
    name: z.string().optional(),
    email: z.string().optional(),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  handler: (_args, { person }) => ({
    id: personKey(person),
    tenant_id: person.tid,
    object_id: person.oid,
    name: person.name,
    email: person.email,
  }),
});
