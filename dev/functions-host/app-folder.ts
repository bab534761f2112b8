/** What the host reads from the folder that is deployed: host.json, and package.json for the way in. */
import { access, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { LogLevel } from './rpc.ts';

export interface AppFolder {
  /** Absolute. */
  root: string;
  /** The bundle, absolute. */
  main: string;
  /** Comes before each route; may be empty. */
  routePrefix: string;
  /** The least important level that is shown, for each category; `default` for the rest. */
  logLevels: Record<string, LogLevel>;
}

/**
 * @throws Error naming the file and what is wrong with it
 */
export async function readAppFolder(folder: string): Promise<AppFolder> {
  const root = resolve(folder);
  const host = await readJson<HostJson>(join(root, 'host.json'), 'Every Functions app has one.');
  if (host.version !== '2.0') {
    throw new Error(`${join(root, 'host.json')} must say "version": "2.0".`);
  }
  const { main } = await readJson<{ main?: string }>(join(root, 'package.json'), 'Its "main" names the bundle.');
  if (typeof main !== 'string' || main === '') {
    throw new Error(`${join(root, 'package.json')} has no "main", so the host does not know what to load.`);
  }
  const file = join(root, main);
  await access(file).catch(() => {
    throw new Error(`${file} does not exist, and package.json names it as "main". Was the app built?`);
  });
  const logLevels: Record<string, LogLevel> = { default: 'information' };
  for (const [category, level] of Object.entries(host.logging?.logLevel ?? {})) {
    logLevels[category] = level.toLowerCase() as LogLevel;
  }
  const routePrefix = (host.extensions?.http?.routePrefix ?? 'api').replace(/^\/+|\/+$/g, '');
  return { root, main: file, routePrefix, logLevels };
}

interface HostJson {
  version?: string;
  extensions?: { http?: { routePrefix?: string } };
  logging?: { logLevel?: Record<string, string> };
}

async function readJson<T>(file: string, why: string): Promise<T> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new Error(`${file} cannot be read (${(error as NodeJS.ErrnoException).code}). ${why}`);
  }
  try {
    return JSON.parse(text) as T;
  } catch (error) {
    throw new Error(`${file} is not JSON: ${(error as Error).message}`);
  }
}
