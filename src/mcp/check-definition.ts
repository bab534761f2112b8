import type * as z from 'zod';

/**
 * What the types say already, said to those who write JavaScript.
 * @param owner whose they are, by name
 * @param schemas by what they are called in the definition
 * @throws TypeError for scopes that are no list, and for a schema that is no object's
 */
export function checkDefinition(
  owner: string,
  scopes: readonly string[],
  schemas: Readonly<Record<string, z.ZodObject>> = {},
): void {
  if (!Array.isArray(scopes)) throw new TypeError(`${owner}: scopes is no list. Expected: names, or [] for none.`);
  for (const [field, schema] of Object.entries(schemas)) {
    if (typeof schema?.safeParse !== 'function' || typeof schema.shape !== 'object') {
      throw new TypeError(`${owner}: ${field} is no schema of an object. Expected: z.object({ … }) of zod.`);
    }
  }
}
