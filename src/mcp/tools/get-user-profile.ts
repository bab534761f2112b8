import * as z from 'zod';
import { personKey } from '../../access/person.ts';
import { defineTool } from '../define-tool.ts';
import { graphProfile } from '../graph-profile.ts';

export default defineTool({
  name: 'get_user_profile',
  title: 'My profile',
  description:
    'Tells who is signed in: name, e-mail address and the identifiers that Entra ID gives; job title, office and photo where this server may read them.',
  scopes: ['profile'],
  input: z.object({}),
  output: z.object({
    id: z.string().describe('Names the person here: the tenant and the object in it'),
    tenant_id: z.string(),
    object_id: z.string(),
    name: z.string().optional(),
    email: z.string().optional(),
    job_title: z.string().optional(),
    office: z.string().optional(),
    photo: z.string().optional().describe('48 by 48 pixels, as a data URI'),
  }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  async handler(_args, context) {
    const { person, graph } = context;
    // Only what every sign-in has consented to: nobody is asked for more to see who they are.
    const { jobTitle, office, photo } = graph.userRead ? await graphProfile(context) : {};
    return {
      id: personKey(person),
      tenant_id: person.tid,
      object_id: person.oid,
      name: person.name,
      email: person.email,
      job_title: jobTitle,
      office,
      photo,
    };
  },
});
