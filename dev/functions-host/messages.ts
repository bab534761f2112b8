/** What the host's process tells the one that started it. */
import type { FunctionInfo } from './host.ts';

export type FromHost = { ready: { port: number; functions: FunctionInfo[] } } | { failed: string };
