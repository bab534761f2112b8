import * as z from 'zod';
import { type ContentToolDefinition, defineTool } from '../../../src/mcp/define-tool.ts';

const NOTHING = z.object({});

/** A tool that takes nothing, as all that the suite calls are; what it is given besides is dropped. */
export const tool = (name: string, handler: ContentToolDefinition<typeof NOTHING>['handler']) =>
  defineTool({ name, title: name, description: 'For the conformance suite', scopes: [], input: NOTHING, handler });
