/** Loads the bundle into this process and makes the library ready to be called. */
import { Server as HttpServer } from 'node:http';
import { Server } from 'node:net';
import { pathToFileURL } from 'node:url';
import type { AppFolder } from './app-folder.ts';
import { provideCoreModule, type Registry } from './core-module.ts';
import type { App } from './invocation.ts';
import { isShown, type Write, writeLog } from './log.ts';
import type { ProgrammingModel } from './rpc.ts';

/** What the real worker offers the library. */
const workerCapabilities = {
  RawHttpBodyBytes: 'true',
  RpcHttpTriggerMetadataRemoved: 'true',
  RpcHttpBodyOnly: 'true',
  IgnoreEmptyValuedRpcHttpHeaders: 'true',
  UseNullableValueDictionaryForHttp: 'true',
  WorkerStatus: 'true',
  TypedDataCollection: 'true',
  HandlesWorkerTerminateMessage: 'true',
};

/**
 * Makes the folder the working directory, as the real worker does, and imports the bundle.
 * @param limit how long that may take, in milliseconds
 * @throws what the bundle throws; Error when nothing registered, or when loading takes too long
 */
export async function loadApp(folder: AppFolder, limit: number, write: Write): Promise<App> {
  const registry = provideCoreModule((level, message) => {
    // The library's own remarks would only be in the way.
    if (level !== 'debug' && level !== 'information' && isShown(folder.logLevels, 'Worker', level)) {
      writeLog(write, level, message);
    }
  });
  process.chdir(folder.root);
  await within(limit, import(pathToFileURL(folder.main).href));
  if (registry.functions.size === 0 || registry.model === undefined) throw new Error(whyNothing(registry, folder));
  for (const hook of registry.hooks.appStart) await hook({ hookData: {}, functionAppDirectory: folder.root });
  const streamingPort = await begin(registry.model);
  registry.locked = true;
  return { registry, model: registry.model, streamingPort, logLevels: folder.logLevels };
}

/**
 * The library chooses its mode. In the streaming mode it starts its server, which would listen on all addresses: here
 * it is kept to loopback, and keeps the connections between the two of us, so that none ends as it is taken up again.
 * @returns the port of its server
 */
async function begin(model: ProgrammingModel): Promise<number | undefined> {
  const { listen } = Server.prototype;
  Server.prototype.listen = function (this: Server, ...args: unknown[]) {
    if (this instanceof HttpServer) this.keepAliveTimeout = 0;
    return Reflect.apply(listen, this, typeof args[0] === 'function' ? [0, '127.0.0.1', ...args] : args);
  } as typeof listen;
  let ready: Promise<Record<string, string>>;
  try {
    ready = model.getCapabilities({ ...workerCapabilities });
  } finally {
    Server.prototype.listen = listen;
  }
  const { HttpUri } = await ready;
  return HttpUri === undefined ? undefined : Number(new URL(HttpUri).port);
}

async function within(limit: number, loading: Promise<unknown>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => {
      reject(new Error(`The app is not loaded after ${limit / 1000} s, where the real host gives up.`));
    }, limit);
  });
  await Promise.race([loading, late]).finally(() => clearTimeout(timer));
}

function whyNothing({ met }: Registry, { main }: AppFolder): string {
  const registered = `${main} registered no function.`;
  if (met) return registered;
  return (
    `${registered} It never reached its host. Either it does not use @azure/functions, or the library's ` +
    'require("@azure/functions-core") failed, which the library keeps to itself: an ESM bundle must keep that module ' +
    'external and have a `require` of its own, made by `createRequire` in a banner.'
  );
}
