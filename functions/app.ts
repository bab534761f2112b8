import { randomBytes } from 'node:crypto';
import { app as functions, type HttpHandler, type InvocationContext } from '@azure/functions';
import {
  createApp,
  createLogger,
  type EndpointName,
  type Logger,
  type LogLevel,
  loadConfig,
  toHandler,
  VERSION,
} from '../src/index.ts';

/**
 * The app of this process. A setting that is missing or wrong throws here, while
 * the host loads the functions, and so stops the start with every problem listed.
 */
const { config, warnings } = loadConfig(process.env);

functions.setup({ enableHttpStream: config.httpStreaming });

const processLog = createLogger(config.logLevel, (level, line) => console[level](line));
for (const warning of warnings) processLog.warn('setting without meaning', { warning });

export const app = createApp(config, { log: processLog, version: VERSION });

/**
 * A logger that writes into the log of one invocation. `LOG_LEVEL` alone decides
 * what is written: host.json would drop what is below "Information", so lines of
 * level debug are handed to the host as information.
 */
export function logOf(context: InvocationContext): Logger {
  const write = (level: LogLevel, line: string) => context[level === 'debug' ? 'info' : level](line);
  return createLogger(config.logLevel, write, { invocation_id: context.invocationId });
}

/** The handler of an endpoint that people see. */
export const handlePage = (name: EndpointName): HttpHandler => handler(name, false);

/** The handler of an endpoint that programs use, web pages of other sites among them (CORS). */
export const handle = (name: EndpointName): HttpHandler => handler(name, true);

function handler(name: EndpointName, cors: boolean): HttpHandler {
  return toHandler(() => app.endpoint(name), {
    log: logOf,
    newCorrelationId: () => randomBytes(16).toString('hex'),
    streaming: config.httpStreaming,
    cors,
  });
}
