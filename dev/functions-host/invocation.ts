/** One call of a function through the library, with the app's hooks around it, as the real worker does it. */
import type { RegisteredFunction, Registry } from './core-module.ts';
import { isShown, throughLogHooks, type Write, writeLog } from './log.ts';
import type { CoreInvocationContext, LogLevel, ProgrammingModel, TypedData } from './rpc.ts';

/** An app that has been loaded. */
export interface App {
  registry: Registry;
  model: ProgrammingModel;
  /** Where the library listens in the streaming mode; undefined in the buffered mode. */
  streamingPort: number | undefined;
  logLevels: Record<string, LogLevel>;
}

export interface Call {
  id: string;
  called: RegisteredFunction;
  /** What the trigger is handed. */
  input: TypedData;
  triggerMetadata?: Record<string, TypedData>;
  /** The request's, if it has one (W3C Trace Context). */
  traceparent?: string | undefined;
  tracestate?: string | undefined;
}

/** How a call ended. `result` is what the handler returned, `returnValue` what the library made of it. */
export type Outcome =
  | { failed: false; result: unknown; returnValue: TypedData | null | undefined }
  | { failed: true; error: unknown };

/** Runs the function. In the streaming mode the library answers the request itself. Never rejects. */
export async function invoke(app: App, call: Call, write: Write): Promise<Outcome> {
  try {
    return { failed: false, ...(await run(app, call, write)) };
  } catch (error) {
    return { failed: true, error };
  }
}

async function run(app: App, call: Call, write: Write) {
  const { metadata, handler } = call.called;
  const core: CoreInvocationContext = {
    invocationId: call.id,
    metadata,
    request: {
      invocationId: call.id,
      inputData: [{ name: triggerOf(call.called), data: call.input }],
      triggerMetadata: call.triggerMetadata ?? {},
      traceContext: { traceParent: nextTraceparent(call), traceState: call.tracestate ?? '' },
    },
    log: (level, logCategory, message) => {
      const category = `Function.${metadata.name}${logCategory === 'user' ? '.User' : ''}`;
      const entry = throughLogHooks(app.registry, { level, category: logCategory, message });
      if (isShown(app.logLevels, category, entry.level)) writeLog(write, entry.level, entry.message);
    },
  };
  const invocation = app.model.getInvocationModel(core);
  const { context, inputs } = await invocation.getArguments();

  const { preInvocation, postInvocation } = app.registry.hooks;
  const hookData = {};
  const before = { hookData, invocationContext: context, functionCallback: handler, inputs };
  core.state = 'preInvocationHooks';
  for (const hook of preInvocation) await hook(before);

  const after: { result: unknown; error: unknown } & Record<string, unknown> = {
    hookData,
    invocationContext: context,
    inputs: before.inputs,
    result: null,
    error: null,
  };
  core.state = 'invocation';
  try {
    after.result = await invocation.invokeFunction(context, before.inputs, before.functionCallback);
  } catch (error) {
    after.error = error ?? new Error('Unknown error');
  }
  core.state = 'postInvocationHooks';
  for (const hook of postInvocation) await hook(after);
  core.state = undefined;
  if (after.error !== null && after.error !== undefined) throw after.error;

  const { returnValue } = await invocation.getResponse(context, after.result);
  return { result: after.result, returnValue };
}

/** The name of a function's trigger. */
function triggerOf({ metadata }: RegisteredFunction): string {
  const [name] = Object.entries(metadata.bindings).find(([, { type }]) => /trigger$/i.test(type)) ?? [];
  if (name === undefined) throw new Error(`The function "${metadata.name}" has no trigger.`);
  return name;
}

/** The host's own span within the request's trace, or within a new one. */
function nextTraceparent({ traceparent = '' }: Call): string {
  const random = (bytes: number) => Buffer.from(crypto.getRandomValues(new Uint8Array(bytes))).toString('hex');
  const [, trace = random(16), flags = '00'] = /^00-([0-9a-f]{32})-[0-9a-f]{16}-([0-9a-f]{2})$/.exec(traceparent) ?? [];
  return `00-${trace}-${random(8)}-${flags}`;
}
