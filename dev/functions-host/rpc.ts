/** The shapes in which host and library hand things to each other: a small part of the Functions worker protocol. */

export type LogLevel = 'trace' | 'debug' | 'information' | 'warning' | 'error' | 'critical' | 'none';

/** One value, as whichever of these it is. */
export interface TypedData {
  string?: string;
  json?: string;
  bytes?: Uint8Array;
  http?: HttpData;
}

interface Nullable<T> {
  value?: T | null;
}

/** A request on its way to the library, in the buffered mode. */
export interface HttpRequestData {
  url: string;
  method: string;
  body?: TypedData;
  nullableHeaders: Record<string, Nullable<string>>;
  nullableQuery: Record<string, Nullable<string>>;
  nullableParams: Record<string, Nullable<string>>;
}

/** A response on its way from the library, in the buffered mode. */
export interface HttpResponseData {
  statusCode: string;
  headers: Record<string, string>;
  cookies: CookieData[];
  body?: TypedData | null;
}

export interface CookieData {
  name: string;
  value: string;
  domain?: Nullable<string> | null;
  path?: Nullable<string> | null;
  expires?: Nullable<{ seconds: number }> | null;
  secure?: Nullable<boolean> | null;
  httpOnly?: Nullable<boolean> | null;
  /** `none` says nothing to the browser; `explicitNone` says None. */
  sameSite: 'none' | 'lax' | 'strict' | 'explicitNone';
  maxAge?: Nullable<number> | null;
}

type HttpData = HttpRequestData | HttpResponseData | Record<string, never>;

/** A trigger, an input or an output of a function. Other settings depend on the type. */
export interface Binding {
  type: string;
  direction?: string;
  [setting: string]: unknown;
}

export interface FunctionMetadata {
  name: string;
  bindings: Record<string, Binding>;
}

export type Handler = (...inputsAndContext: unknown[]) => unknown;

/** What the library makes of one call, and back. */
export interface InvocationModel {
  getArguments(): Promise<{ context: unknown; inputs: unknown[] }>;
  invokeFunction(context: unknown, inputs: unknown[], handler: Handler): Promise<unknown>;
  getResponse(context: unknown, result: unknown): Promise<{ returnValue?: TypedData | null }>;
}

export interface CoreInvocationContext {
  invocationId: string;
  metadata: FunctionMetadata;
  request: {
    invocationId: string;
    inputData: { name: string; data: TypedData }[];
    triggerMetadata: Record<string, TypedData>;
    traceContext: { traceParent: string; traceState: string };
  };
  state?: 'preInvocationHooks' | 'invocation' | 'postInvocationHooks' | undefined;
  log(level: LogLevel, category: string, message: string): void;
}

/** The library's side. */
export interface ProgrammingModel {
  name: string;
  version: string;
  getCapabilities(capabilities: Record<string, string>): Promise<Record<string, string>>;
  getInvocationModel(context: CoreInvocationContext): InvocationModel;
}
