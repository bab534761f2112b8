/** Whether the ports that are wanted are free: all looked at together, so that a person mends all at once. */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { PlannedPort } from './plan.ts';

/**
 * Where others would be in the way: a server on one of these alone takes part of what is sent to "localhost".
 */
const loopback = ['127.0.0.1', '::1'];

/** @throws Error that names each busy port, what wants it, and the setting that moves it */
export async function checkPorts(ports: PlannedPort[]): Promise<void> {
  const complaints = await Promise.all(ports.map(async planned => ({ planned, why: await whyNot(planned.port) })));
  const lines = complaints.flatMap(({ planned: { port, what, setting }, why }) =>
    why === undefined ? [] : [`  - port ${port}, wanted for ${what}, ${why}; ${setting}=<another port> moves it`],
  );
  if (lines.length > 0) throw new Error(`Cannot start:\n${lines.join('\n')}`);
}

/** As many ports, each free a moment ago and different from the others. */
export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const ports = servers.map(server => (server.address() as { port: number }).port);
  await Promise.all(servers.map(server => once(server.close(), 'close')));
  return ports;
}

async function whyNot(port: number): Promise<string | undefined> {
  if ((await Promise.all(loopback.map(host => answers(host, port)))).includes(true)) return 'is in use';
  const server = createServer().listen(port, '127.0.0.1');
  try {
    await once(server, 'listening');
    server.close();
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    return code === 'EADDRINUSE' ? 'is in use' : `cannot be listened on (${code})`;
  }
}

async function answers(host: string, port: number): Promise<boolean> {
  const socket = connect({ host, port });
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
