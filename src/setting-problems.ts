import type * as z from 'zod';

/** What is wrong with the value of a setting, in words: each problem with its place in the value, and never with what stands there, which may be a secret. */

/** How many problems of one setting are told. */
const MOST = 20;
/** How much of a member's name is told, in characters. */
const LONGEST_NAME = 60;

/** For a check of a schema: what is told, after its place, of a value that does not pass. */
export function because(reason: string): { readonly params: { readonly reason: string } } {
  return { params: { reason } };
}

/**
 * @param name the setting's
 * @param error of a parse with `reportInput`, without which what is missing looks like what is there
 * @returns a sentence for each problem, such as `RESOURCES[0].name is missing`; none where there is nothing to say beyond
 * that the value is wrong
 */
export function problemsOf(name: string, error: z.ZodError): string[] {
  const all = error.issues.flatMap(issue => sentences(issue, name));
  return all.length > MOST ? [...all.slice(0, MOST), `and ${all.length - MOST} more`] : all;
}

function sentences(issue: z.core.$ZodIssue, name: string): string[] {
  const place = name + issue.path.map(stepOf).join('');
  if (issue.code === 'unrecognized_keys') return issue.keys.map(key => `${place}${stepOf(key)} is not known`);
  const reason = reasonOf(issue);
  if (issue.path.length > 0) return [`${place} ${reason ?? 'is not valid'}`];
  // Of the whole value a check speaks in sentences of its own, and only JSON has a type.
  if (issue.code === 'custom') return reason === undefined ? [] : [reason];
  return issue.code === 'invalid_type' && reason !== undefined ? [`it ${reason}`] : [];
}

function reasonOf(issue: z.core.$ZodIssue): string | undefined {
  switch (issue.code) {
    case 'custom':
      return typeof issue.params?.reason === 'string' ? issue.params.reason : undefined;
    case 'invalid_key': {
      const [first] = issue.issues;
      return first && reasonOf(first);
    }
    case 'invalid_type':
      if (issue.input === undefined) return 'is missing';
      return TYPES.has(issue.expected) ? `has to be ${TYPES.get(issue.expected)}` : undefined;
    case 'too_small':
      return 'is empty';
    case 'too_big':
      return `has more than ${issue.maximum} ${issue.origin === 'string' ? 'characters' : 'members'}`;
    default:
      return undefined;
  }
}

const TYPES: ReadonlyMap<string, string> = new Map([
  ['string', 'a text'],
  ['boolean', 'true or false'],
  ['array', 'a JSON array'],
  ['object', 'a JSON object'],
  ['record', 'a JSON object'],
]);

/** A step to a member, as JavaScript writes it. */
function stepOf(step: PropertyKey): string {
  if (typeof step === 'number') return `[${step}]`;
  const text = String(step);
  if (/^[a-z_]\w*$/i.test(text) && text.length <= LONGEST_NAME) return `.${text}`;
  return `[${JSON.stringify(text.length > LONGEST_NAME ? `${text.slice(0, LONGEST_NAME)}…` : text)}]`;
}
