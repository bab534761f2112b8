/** The reference server of MCP, `@modelcontextprotocol/server-everything`, in a process of its own: a server that others wrote. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

export interface ReferenceServer {
  /** Its MCP endpoint, Streamable HTTP with sessions. */
  readonly url: string;
  stop(): Promise<void>;
}

/** @returns when it listens */
export async function startReferenceServer(port: number): Promise<ReferenceServer> {
  const entry = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'));
  const server = spawn(process.execPath, [entry, 'streamableHttp'], {
    env: { ...process.env, PORT: String(port) },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const said: string[] = [];
  for await (const line of createInterface(server.stderr)) {
    said.push(line);
    if (line.includes('listening on port')) break;
  }
  if (server.exitCode !== null) throw new Error(`The reference server does not start:\n${said.join('\n')}`);
  server.stderr.resume();
  return {
    url: `http://localhost:${port}/mcp`,
    stop: async () => {
      if (server.exitCode !== null || server.signalCode !== null) return;
      server.kill();
      await once(server, 'exit');
    },
  };
}
