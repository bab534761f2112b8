import { SCOPES } from './access/scopes.ts';
import { PRESENTATION } from './mcp/presentation.ts';
import { prompts } from './mcp/prompts/index.ts';
import { resources } from './mcp/resources/index.ts';
import { tools } from './mcp/tools/index.ts';

/**
 * What this project itself serves: the tools on notes, sums and the person's profile, the notes as resources, a prompt,
 * their scopes, and how it shows. To be had as a whole or in part, beside what is one's own.
 *
 * @example
 * ```ts
 * import { app } from '@azure/functions';
 * import { createEntraMcp, loadConfig, samples } from 'entra-mcp-functions';
 *
 * createEntraMcp({ ...loadConfig(process.env), ...samples, presentation: { name: 'Notes' } }).register(app);
 * ```
 */
export const samples = { scopes: SCOPES, tools, resources, prompts, presentation: PRESENTATION };
