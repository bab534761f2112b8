/**
 * The whole app, with what the conformance suite wants to find at `/mcp`: sign-in, guard and endpoint are those that are
 * deployed, and what is served is defined as everybody defines it.
 */
import { app } from '@azure/functions';
import { createEntraMcp, loadConfig } from '../../../src/index.ts';
import { prompts } from './prompts.ts';
import { resources } from './resources.ts';
import { tools } from './tools.ts';

createEntraMcp({ ...loadConfig(process.env), tools, resources, prompts }).register(app);
