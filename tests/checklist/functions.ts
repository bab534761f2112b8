import { type HttpFunctionOptions, HttpRequest, InvocationContext } from '@azure/functions';
import { vi } from 'vitest';

/** A function of the deployed app, as it is registered with the host. */
export interface RegisteredFunction extends HttpFunctionOptions {
  name: string;
}

/**
 * The functions of the app as the host sees them: their routes, their methods and the handlers around the endpoints.
 * @param settings the app's environment
 */
export async function loadFunctions(settings: Record<string, string>): Promise<RegisteredFunction[]> {
  const registered: RegisteredFunction[] = [];
  vi.doMock('@azure/functions', async actual => ({
    ...(await actual<typeof import('@azure/functions')>()),
    app: {
      setup: () => {},
      timer: () => {},
      hook: { appTerminate: () => {} },
      http: (name: string, options: HttpFunctionOptions) => registered.push({ name, ...options }),
    },
  }));
  for (const [name, value] of Object.entries(settings)) vi.stubEnv(name, value);
  await import('../../functions/index.ts');
  vi.unstubAllEnvs();
  vi.doUnmock('@azure/functions');
  return registered;
}

/** What a function answers, the names of its headers in lower case. */
export async function callFunction(
  { handler, name }: RegisteredFunction,
  init: { url: string; method: string; headers?: Record<string, string>; body?: string },
): Promise<{ status: number; headers: Record<string, string> }> {
  const { body, ...rest } = init;
  const request = new HttpRequest({ ...rest, ...(body === undefined ? {} : { body: { string: body } }) });
  const answer = await handler(request, new InvocationContext({ functionName: name, logHandler: () => {} }));
  const { status, headers } = answer as { status: number; headers: Record<string, string> };
  return { status, headers };
}
