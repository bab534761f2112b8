import { type InputRequest, inputRequired, isSpecType } from '@modelcontextprotocol/server';
import type * as z from 'zod';
import type { Answer, Form, FormAnswer, Question } from './questions.ts';

/** A question as the protocol has it. */
export function toRequest(question: Question): InputRequest {
  if ('form' in question) return inputRequired.elicit({ message: question.form, requestedSchema: question.fields });
  return 'sampling' in question ? inputRequired.createMessage(question.sampling) : inputRequired.listRoots();
}

/** An answer that fits its question; `undefined` for any other, which is then asked again. */
export function readAnswer(question: Question, raw: unknown): Answer<Question> | undefined {
  if ('form' in question) return readForm(question.fields, raw);
  if ('sampling' in question) return isSpecType.CreateMessageResult(raw) ? raw : undefined;
  return isSpecType.ListRootsResult(raw) ? raw.roots : undefined;
}

/** As {@link readAnswer}, of a form. */
export function readForm<Fields extends z.ZodObject>(
  fields: Form<Fields>['fields'],
  raw: unknown,
): FormAnswer<z.output<Fields>> | undefined {
  if (!isSpecType.ElicitResult(raw)) return undefined;
  if (raw.action !== 'accept') return { action: raw.action };
  const content = fields.safeParse(raw.content ?? {});
  return content.success ? { action: 'accept', content: content.data } : undefined;
}

/** A member of what came from elsewhere. */
export function memberOf(from: unknown, name: string): unknown {
  return typeof from === 'object' && from !== null && Object.hasOwn(from, name)
    ? (from as Record<string, unknown>)[name]
    : undefined;
}
