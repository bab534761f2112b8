/** The host put together: one app, its HTTP functions, its timers. */
import { once } from 'node:events';
import type { AddressInfo, Server } from 'node:net';
import { readAppFolder } from './app-folder.ts';
import { createFront } from './http-front.ts';
import { type App, invoke } from './invocation.ts';
import type { TimeLimits } from './limits.ts';
import { loadApp } from './load-app.ts';
import { inDetail, type Write, warn } from './log.ts';
import { buildRoutes } from './routing.ts';
import { parseNcrontab } from './timers/ncrontab.ts';
import { type Clock, startTimer, type Timer } from './timers/scheduler.ts';

export interface FunctionInfo {
  name: string;
  /** With the prefix, without the leading slash; only HTTP functions have one. */
  route?: string;
  methods?: string[];
}

export interface Host {
  port: number;
  /** In the order in which they are tried; then the timers. */
  functions: FunctionInfo[];
  /** Lets running requests end for `grace` milliseconds at most, then runs the app's own ending. */
  stop(grace: number): Promise<void>;
}

/**
 * Listens first, answering 503, and then loads the app of `root` into this process; so it can be called only once.
 * @throws Error that says what is wrong with the port, the folder or the app
 */
export async function startHost(options: {
  root: string;
  host: string;
  port: number;
  limits: TimeLimits;
  clock: Clock;
  write: Write;
}): Promise<Host> {
  const { write, limits } = options;
  const folder = await readAppFolder(options.root);
  const front = createFront({ write, limits });
  await listen(front.server, options.host, options.port);

  const app = await loadApp(folder, limits.load, write);
  const functions = buildRoutes(app.registry.functions.values(), folder.routePrefix, (name, why) =>
    warn(write, `the function "${name}" is left out: ${why}.`),
  );
  const timers = startTimers(app, options.clock, write);
  const served: FunctionInfo[] = [
    ...functions.map(({ name, route, methods }) => ({ name, route, methods: [...methods] })),
    ...[...timers.values()].map(({ name }) => ({ name })),
  ];
  if (served.length === 0) throw new Error('No function is left that the local host can serve.');
  warnOfOthers(app, write);
  front.serve({
    app,
    functions,
    homepage: process.env.AzureWebJobsDisableHomepage?.toLowerCase() !== 'true',
    runTimer: name => timers.get(name.toLowerCase())?.runNow(),
  });

  return {
    port: (front.server.address() as AddressInfo).port,
    functions: served,
    stop: async grace => {
      front.server.close();
      for (const timer of timers.values()) timer.stop();
      await Promise.race([front.settled(), new Promise(resolve => setTimeout(resolve, grace))]);
      front.server.closeAllConnections();
      for (const hook of app.registry.hooks.appTerminate) await hook({ hookData: {} });
    },
  };
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  server.listen(port, host);
  try {
    await once(server, 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') {
      throw new Error(`Port ${port} on ${host} is in use. Stop what listens on it, or choose another port.`);
    }
    throw new Error(`The host cannot listen on ${host}, port ${port}: ${(error as Error).message}`);
  }
}

/** By their names in lower case. */
function startTimers(app: App, clock: Clock, write: Write): Map<string, Timer & { name: string }> {
  const timers = new Map<string, Timer & { name: string }>();
  for (const called of app.registry.functions.values()) {
    const { name, bindings } = called.metadata;
    const trigger = Object.values(bindings).find(({ type }) => type.toLowerCase() === 'timertrigger');
    if (!trigger) continue;
    let schedule: ReturnType<typeof parseNcrontab>;
    try {
      schedule = parseNcrontab(String(trigger.schedule));
    } catch (error) {
      throw new Error(`The schedule of the function "${name}": ${(error as Error).message}`);
    }
    const timer = startTimer({
      schedule,
      runOnStartup: trigger.runOnStartup === true,
      clock,
      run: async info => {
        const input = { json: JSON.stringify(info) };
        const outcome = await invoke(app, { id: crypto.randomUUID(), called, input }, write);
        if (outcome.failed) warn(write, `the function "${name}" failed. ${inDetail(outcome.error)}`);
      },
    });
    timers.set(name.toLowerCase(), { name, ...timer });
  }
  return timers;
}

function warnOfOthers(app: App, write: Write): void {
  for (const { metadata } of app.registry.functions.values()) {
    const type = Object.values(metadata.bindings).find(binding => /trigger$/i.test(binding.type))?.type ?? '';
    if (!/^(http|timer)trigger$/i.test(type)) {
      warn(write, `the function "${metadata.name}" has a ${type}, which the local host does not serve.`);
    }
  }
}
