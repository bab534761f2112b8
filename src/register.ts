import { randomBytes } from 'node:crypto';
import type { app, HttpHandler, InvocationContext } from '@azure/functions';
import { triggers } from '../functions/triggers.ts';
import type { App } from './app.ts';
import type { Config } from './config.ts';
import { toHandler } from './http/functions-adapter.ts';
import { createLogger, type Logger, type LogLevel } from './log.ts';
import type { HttpTrigger, TimerTrigger } from './trigger.ts';

/** What is used of `@azure/functions`' `app`. */
export type FunctionsApp = Pick<typeof app, 'setup' | 'http' | 'timer' | 'hook'>;

/**
 * An instance starts because a request waits for it, and the first answer, most often a 401 or a document, needs little
 * code. The rest is loaded when that answer is out; who needs it earlier loads it by itself. In milliseconds.
 */
const PRELOAD_AFTER = 1000;

/** Registers every function of `functions/` with the host; to be called while the host loads the app. */
export function registerAll(
  functions: FunctionsApp,
  app: App,
  config: Pick<Config, 'httpStreaming' | 'logLevel'>,
): void {
  functions.setup({ enableHttpStream: config.httpStreaming });

  /**
   * A logger that writes into the log of one invocation. `LOG_LEVEL` alone decides what is written: host.json would drop
   * what is below "Information", so lines of level debug are handed to the host as information.
   */
  function logOf(context: InvocationContext): Logger {
    const write = (level: LogLevel, line: string) => context[level === 'debug' ? 'info' : level](line);
    return createLogger(config.logLevel, write, { invocation_id: context.invocationId });
  }

  function handlerOf({ endpoint, callers }: HttpTrigger): HttpHandler {
    return toHandler(() => app.endpoint(endpoint), {
      log: logOf,
      newCorrelationId: () => randomBytes(16).toString('hex'),
      streaming: config.httpStreaming,
      cors: callers === 'programs',
    });
  }

  function registerTimer({ name, schedule, task }: TimerTrigger): void {
    functions.timer(name, {
      schedule,
      handler: async (_timer, context) => {
        logOf(context).info('purged', { ...(await app[task]()) });
      },
    });
  }

  for (const trigger of triggers) {
    if ('schedule' in trigger) registerTimer(trigger);
    else {
      const { name, methods, authLevel, route } = trigger;
      functions.http(name, { methods, authLevel, route, handler: handlerOf(trigger) });
    }
  }
  // What lies in memory only is written before the process ends, where the host says that it will.
  functions.hook.appTerminate(() => app.flush());
  setTimeout(() => app.preload(), PRELOAD_AFTER).unref();
}
