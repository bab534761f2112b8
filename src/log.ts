/**
 * Structured logs: one JSON object a line, with a level, an event's name and
 * plain fields. Foreign strings are cut at 200 characters and control
 * characters in them are escaped, so that nobody can forge a line. Fields never
 * hold a token, code, verifier, secret or note; who logs is bound by that.
 */

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;
/** From the least important one to the most. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** What a line tells beside its event. */
export type LogFields = Record<string, string | number | boolean | undefined | readonly string[]>;

/** Writes lines of one JSON object each: the event's name, and plain fields, foreign strings in them escaped and cut. */
export interface Logger {
  debug(event: string, fields?: LogFields): void;
  info(event: string, fields?: LogFields): void;
  warn(event: string, fields?: LogFields): void;
  error(event: string, fields?: LogFields): void;
  /** A logger that adds `fields` to every line. */
  with(fields: LogFields): Logger;
}

/** Where finished lines go: the Functions context in the app, an array in a test. */
export type LogSink = (level: LogLevel, line: string) => void;

const LONGEST_STRING = 200;

/** Cuts `text` at 200 characters and escapes control, line-separator and direction-override characters. */
export function safeText(text: string): string {
  const cut = text.length > LONGEST_STRING ? `${text.slice(0, LONGEST_STRING)}…` : text;
  return cut.replace(
    /[\p{Cc}\p{Cf}\u2028\u2029]/gu,
    character => `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  );
}

function safeValue(value: LogFields[string]) {
  if (typeof value === 'string') return safeText(value);
  return Array.isArray(value) ? value.slice(0, 20).map(safeText) : value;
}

/**
 * Makes a logger.
 *
 * @param level the least important level that is written
 * @param sink takes each finished line
 * @param fields go into every line
 * @example
 * ```ts
 * import { createLogger } from 'entra-mcp-functions';
 *
 * const log = createLogger('info', (_level, line) => process.stdout.write(`${line}\n`), { app: 'greeter' });
 * log.warn('late', { seconds: 3 });
 * ```
 */
export function createLogger(level: LogLevel, sink: LogSink, fields: LogFields = {}): Logger {
  const least = LOG_LEVELS.indexOf(level);
  const write =
    (at: LogLevel) =>
    (event: string, more: LogFields = {}) => {
      if (LOG_LEVELS.indexOf(at) < least) return;
      const line: Record<string, unknown> = { level: at, event };
      for (const [name, value] of Object.entries({ ...fields, ...more })) line[name] = safeValue(value);
      sink(at, JSON.stringify(line));
    };
  return {
    debug: write('debug'),
    info: write('info'),
    warn: write('warn'),
    error: write('error'),
    with: more => createLogger(level, sink, { ...fields, ...more }),
  };
}

/** An error's name and message, fit for a log field; never its stack. */
export function describeError(error: unknown): string {
  return error instanceof Error ? `${error.name}: ${error.message}` : String(error);
}
