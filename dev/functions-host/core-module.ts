/**
 * The module `@azure/functions-core`, which exists only inside a host: the library `@azure/functions` asks for it with a
 * `require` at its first use, and registers everything through it.
 */
import Module from 'node:module';
import type { FunctionMetadata, Handler, LogLevel, ProgrammingModel } from './rpc.ts';

const hookNames = ['appStart', 'appTerminate', 'preInvocation', 'postInvocation', 'log'] as const;
export type HookName = (typeof hookNames)[number];
export type Hook = (context: object) => unknown;

export interface RegisteredFunction {
  metadata: FunctionMetadata;
  handler: Handler;
}

/** What the app has said so far about itself. */
export interface Registry {
  /** Whether anything ever asked for this module. */
  met: boolean;
  /** Set at the first registration. */
  model: ProgrammingModel | undefined;
  readonly functions: Map<string, RegisteredFunction>;
  readonly hooks: Record<HookName, Hook[]>;
  /** When set, the app has started, and functions can no longer be registered. */
  locked: boolean;
}

/**
 * Provides the module to everything that this process requires from now on, as the real worker does: by standing in
 * front of `Module.prototype.require`.
 * @param log takes what the library says about itself
 */
export function provideCoreModule(log: (level: LogLevel, message: string) => void): Registry {
  const registry: Registry = {
    met: false,
    model: undefined,
    functions: new Map(),
    hooks: { appStart: [], appTerminate: [], preInvocation: [], postInvocation: [], log: [] },
    locked: false,
  };
  const core = {
    version: '3.0.0',
    hostVersion: '4.0.0',
    setProgrammingModel: (model: ProgrammingModel) => {
      registry.model = model;
    },
    getProgrammingModel: () => registry.model,
    registerFunction: (metadata: FunctionMetadata, handler: Handler) => register(registry, metadata, handler),
    registerHook: (name: string, hook: Hook) => registerHook(registry, name, hook),
    log: (level: LogLevel, _category: string, message: string) => log(level, message),
  };
  Module.prototype.require = new Proxy(Module.prototype.require, {
    apply: (require, module, args) => {
      if (args[0] !== '@azure/functions-core') return Reflect.apply(require, module, args);
      registry.met = true;
      return core;
    },
  });
  return registry;
}

function register(registry: Registry, metadata: FunctionMetadata, handler: Handler) {
  const assertStarting = () => {
    if (registry.locked) throw new Error('A function can only be registered during app startup.');
  };
  assertStarting();
  if (registry.functions.has(metadata.name)) {
    throw new Error(`A function with id "${metadata.name}" has already been registered.`);
  }
  registry.functions.set(metadata.name, { metadata, handler });
  return {
    dispose: () => {
      assertStarting();
      registry.functions.delete(metadata.name);
    },
  };
}

function registerHook(registry: Registry, name: string, hook: Hook) {
  const known = hookNames.find(each => each === name);
  if (known === undefined) throw new RangeError(`Unrecognized hook "${name}"`);
  const hooks = registry.hooks[known];
  hooks.push(hook);
  return {
    dispose: () => {
      const index = hooks.indexOf(hook);
      if (index >= 0) hooks.splice(index, 1);
    },
  };
}
