/** What a server asks the person while a tool works. */
import type { ElicitRequestFormParams, ElicitResult } from '@modelcontextprotocol/client';
import { type Ask, plain, type Say } from './menu.ts';

type Field = ElicitRequestFormParams['requestedSchema']['properties'][string];
type Value = NonNullable<ElicitResult['content']>[string];

/** Shows the question, and has the person say yes or no where it has no fields, else fill them in one by one. */
export async function answerForm(
  { message, requestedSchema }: ElicitRequestFormParams,
  ask: Ask,
  say: Say,
): Promise<ElicitResult> {
  say(plain(message));
  const { properties, required = [] } = requestedSchema;
  const content: Record<string, Value> = {};
  for (const [name, field] of Object.entries(properties)) {
    const line = (await ask(`${labelOf(name, field)}: `))?.trim();
    if (line === undefined || (line === '' && required.includes(name))) return { action: 'cancel' };
    if (line !== '') content[name] = readAs(field, line);
  }
  const question = Object.keys(properties).length === 0 ? 'Yes or no? [y/N] ' : 'Send this? [y/N] ';
  const isAgreed = /^y(es)?$/i.test((await ask(question))?.trim() ?? '');
  return isAgreed ? { action: 'accept', content } : { action: 'decline' };
}

function labelOf(name: string, field: Field): string {
  const choices = 'enum' in field ? ` (${field.enum.join(', ')})` : field.type === 'boolean' ? ' (yes, no)' : '';
  return plain(`${field.title ?? name}${choices}`);
}

/** What does not fit goes as it is: the server says what is wrong with it. */
function readAs({ type }: Field, line: string): Value {
  if (type === 'boolean') return /^y(es)?$/i.test(line);
  if (type === 'array') return line.split(/\s*,\s*/);
  const isNumber = (type === 'number' || type === 'integer') && Number.isFinite(Number(line));
  return isNumber ? Number(line) : line;
}
