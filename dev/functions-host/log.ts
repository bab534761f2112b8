/** Where lines go: the app's own through host.json's levels, and the host's. */
import type { AppFolder } from './app-folder.ts';
import type { Registry } from './core-module.ts';
import type { LogLevel } from './rpc.ts';

/** Writes one line, or several. */
export type Write = (stream: 'stdout' | 'stderr', text: string) => void;

const order: LogLevel[] = ['trace', 'debug', 'information', 'warning', 'error', 'critical', 'none'];

/** Whether host.json lets a message of this level through. The longest category that fits is the one that counts. */
export function isShown(levels: AppFolder['logLevels'], category: string, level: LogLevel): boolean {
  let [least, length] = [levels.default ?? 'information', 0];
  for (const [name, value] of Object.entries(levels)) {
    const fits = category === name || category.startsWith(`${name}.`);
    if (fits && name.length > length) [least, length] = [value, name.length];
  }
  return order.indexOf(level) >= order.indexOf(least) && level !== 'none';
}

/** Writes what the app or the library logged; warnings and worse go to stderr. */
export function writeLog(write: Write, level: LogLevel, message: string): void {
  write(order.indexOf(level) >= order.indexOf('warning') ? 'stderr' : 'stdout', message);
}

/** Lets the app's log hooks change a message, as the real worker does. */
export function throughLogHooks(
  registry: Registry,
  entry: { level: LogLevel; category: string; message: string },
): { level: LogLevel; message: string } {
  const context = { ...entry, hookData: {} };
  for (const hook of registry.hooks.log) hook(context);
  return context;
}

/** A message of the host itself to whoever develops the app. */
export function warn(write: Write, text: string): void {
  write('stderr', `Functions host: ${text}`);
}

/** An error as a developer wants to see it. */
export function inDetail(error: unknown): string {
  return error instanceof Error ? (error.stack ?? `${error.name}: ${error.message}`) : String(error);
}
