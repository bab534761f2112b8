import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { PRESENTATION } from '../../src/mcp/presentation.ts';
import { VERSION } from '../../src/version.ts';

/**
 * What the MCP registry's schema of 2025-12-11 says of a server that is reached over HTTP. Stricter than that in one
 * thing: there it may have members that nobody knows, here one would be a slip of the pen.
 */
const remote = z
  .strictObject({
    type: z.literal('streamable-http'),
    url: z.string().regex(/^(https?:\/\/[^\s]+|\{[a-zA-Z_][a-zA-Z0-9_]*\}[^\s]*)$/),
    variables: z.record(
      z.string(),
      z.strictObject({
        description: z.string().optional(),
        isRequired: z.boolean().optional(),
        placeholder: z.string().optional(),
      }),
    ),
  })
  .refine(
    ({ url, variables }) =>
      [...url.matchAll(/\{(\w+)\}/g)].every(([, name = '']) => name in variables) &&
      URL.canParse(url.replace(/\{\w+\}/g, 'x')),
    'the URL is none once its variables are filled in',
  );
const server = z.strictObject({
  $schema: z.literal('https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json'),
  name: z
    .string()
    .max(200)
    .regex(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/),
  title: z.string().min(1).max(100),
  description: z.string().min(1).max(100),
  version: z.string().max(255),
  remotes: z.array(remote).min(1),
});

test('server.json is what the MCP registry takes, and of this version', async () => {
  const text = await readFile(join(import.meta.dirname, '../../server.json'), 'utf8');
  const { version, title } = server.parse(JSON.parse(text));
  expect({ version, title }).toEqual({ version: VERSION, title: PRESENTATION.title });
});
