import * as z from 'zod';
import { claimsChallenge } from '../../src/mcp/claims-challenge.ts';
import { defineTool, type ToolContext, ToolError } from '../../src/mcp/define-tool.ts';

/** What Graph is asked with: the person's calendar, to be read. */
const SCOPES = ['https://graph.microsoft.com/Calendars.Read'];
const DAYS = 30;

export default defineTool({
  name: 'get_next_events',
  title: 'My next appointments',
  description: 'Tells the next three events in the calendar of the signed-in person, within 30 days.',
  scopes: ['profile'],
  input: z.object({}),
  output: z.object({
    events: z.array(
      z.object({ subject: z.string(), start: z.iso.datetime(), end: z.iso.datetime(), place: z.string() }),
    ),
  }),
  annotations: { readOnlyHint: true, openWorldHint: true },
  async handler(_args, context) {
    let response = await askGraph(context);
    // Graph wants a stronger sign-in: with its claims Entra gives another token, or tells the person where to go.
    const claims = claimsChallenge(response);
    if (claims) response = await askGraph(context, claims);
    if (response.status !== 200) {
      context.log.warn('Graph did not tell the events', { status: response.status });
      throw new ToolError('The calendar cannot be read just now. Try again later.');
    }
    return { events: answer.parse(await response.json()).value };
  },
});

async function askGraph({ tokenFor, graph, signal, now }: ToolContext, claims?: string): Promise<Response> {
  const { token } = await tokenFor(SCOPES, claims ? { claims } : {});
  const url = new URL(`${graph.url}/me/calendarView`);
  url.searchParams.set('startDateTime', new Date(now()).toISOString());
  url.searchParams.set('endDateTime', new Date(now() + DAYS * 86_400_000).toISOString());
  url.searchParams.set('$orderby', 'start/dateTime');
  url.searchParams.set('$top', '3');
  url.searchParams.set('$select', 'subject,start,end,location');
  return graph.fetch(url, { headers: { authorization: `Bearer ${token}` }, signal });
}

/** Graph writes times in UTC where nothing else is asked of it, with seven digits after the second and no `Z`. */
const moment = z.object({ dateTime: z.string() }).transform(({ dateTime }) => `${dateTime.slice(0, 19)}Z`);

const answer = z.object({
  value: z.array(
    z
      .object({
        subject: z.string().nullable(),
        start: moment,
        end: moment,
        location: z.object({ displayName: z.string() }),
      })
      .transform(({ subject, start, end, location }) => ({
        subject: subject ?? '',
        start,
        end,
        place: location.displayName,
      })),
  ),
});
