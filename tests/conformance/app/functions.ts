/**
 * The whole app, with what the conformance suite wants to find at `/mcp`: sign-in, guard and endpoint are those that are
 * deployed, and what is served is defined as everybody defines it.
 */
import { randomBytes } from 'node:crypto';
import { app as functions, type HttpMethod } from '@azure/functions';
import { createApp, createLogger, type EndpointName, loadConfig, toHandler } from '../../../src/index.ts';
import { prompts } from './prompts.ts';
import { resources } from './resources.ts';
import { tools } from './tools.ts';

const { config } = loadConfig(process.env);
functions.setup({ enableHttpStream: true });
const log = createLogger(config.logLevel, (_level, line) => console.log(line));
const app = createApp(config, { log, version: '1.0.0', tools, resources, prompts });

/** As much as a sign-in needs. */
const ROUTES: [string, EndpointName, HttpMethod[]][] = [
  ['mcp', 'mcp', ['GET', 'POST', 'DELETE', 'OPTIONS']],
  ['.well-known/oauth-protected-resource/mcp', 'resourceMetadata', ['GET']],
  ['.well-known/oauth-authorization-server', 'serverMetadata', ['GET']],
  ['oauth/register', 'register', ['POST']],
  ['oauth/authorize', 'authorize', ['GET']],
  ['oauth/consent', 'consent', ['POST']],
  ['oauth/token', 'token', ['POST']],
  ['auth/login', 'login', ['GET']],
  ['auth/callback', 'callback', ['GET']],
];
for (const [route, name, methods] of ROUTES) {
  const handler = toHandler(() => app.endpoint(name), {
    log: () => log,
    newCorrelationId: () => randomBytes(16).toString('hex'),
    streaming: true,
    cors: true,
  });
  functions.http(name, { methods, authLevel: 'anonymous', route, handler });
}
