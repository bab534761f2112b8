import { setTimeout } from 'node:timers/promises';
import type { PersonName } from '../../../dev/entra/index.ts';
import { type Client, connect, refreshForm, register, type Target, type Tokens } from '../../support/flows.ts';
import type { Answer, LoadClient } from '../rig/load.ts';

/** A client that somebody is signed in at, with its newest tokens. */
export interface Session {
  readonly client: Client;
  tokens: Tokens;
}

const AT_ONCE = 8;

/**
 * Signs in at one registered client that many times.
 * @param who whose sessions they are, in turn
 * @param progress told after each
 */
export async function signInSessions(
  target: Target,
  count: number,
  { who = ['ada', 'grace'], progress }: { who?: readonly PersonName[]; progress?: (text: string) => void } = {},
): Promise<Session[]> {
  const client = await register(target);
  const sessions: Session[] = [];
  let begun = 0;
  const worker = async () => {
    while (begun < count) {
      const { tokens } = await connect(target, who[begun++ % who.length], {}, client);
      sessions.push({ client, tokens });
      progress?.(`Signed in ${sessions.length} of ${count}`);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return sessions;
}

/** Asks once for new tokens, and keeps them where they come. */
export async function renew(http: LoadClient, origin: string, session: Session): Promise<Answer> {
  const form = refreshForm(session.client, session.tokens.refresh_token);
  const entries = Object.entries(form).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const answer = await http.send({ url: `${origin}/oauth/token`, body: new URLSearchParams(entries) });
  if (answer.status === 200) session.tokens = JSON.parse(answer.body) as Tokens;
  return answer;
}

/** Whether an answer tells to come again with the same request; a connection that broke does too. */
export const isOutage = ({ status }: Answer) => status === 0 || status === 502 || status === 503;

/** How long an answer tells to wait, in milliseconds; a second where it tells nothing. */
export const waitOf = ({ headers }: Answer) => (Number(headers['retry-after']) || 1) * 1000;

/**
 * Renews as a client should: comes again, when it is told to, with the same token.
 * @returns every answer that it got, the last one being no outage, or the tenth
 */
export async function renewPatiently(http: LoadClient, origin: string, session: Session): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (;;) {
    const answer = await renew(http, origin, session);
    answers.push(answer);
    if (!isOutage(answer) || answers.length === 10) return answers;
    await setTimeout(waitOf(answer));
  }
}
