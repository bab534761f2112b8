import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { afterEach, expect, test } from 'vitest';
import { checkPorts, freePorts } from '../../../dev/local/ports.ts';

const servers: Server[] = [];
afterEach(() => Promise.all(servers.splice(0).map(server => once(server.close(), 'close'))));

async function busyPort(host: string): Promise<number> {
  const server = createServer().listen(0, host);
  await once(server, 'listening');
  servers.push(server);
  return (server.address() as { port: number }).port;
}

test('free ports are different, and pass', async () => {
  const ports = await freePorts(5);
  expect(new Set(ports).size).toBe(5);
  await checkPorts(ports.map(port => ({ setting: 'SERVER_PORT', port, what: 'the function app' })));
});

test('all busy ports are told together, each with its setting', async () => {
  const [app, table] = [await busyPort('127.0.0.1'), await busyPort('0.0.0.0')];
  const [entra = 0] = await freePorts(1);
  const message = await checkPorts([
    { setting: 'SERVER_PORT', port: app, what: 'the function app' },
    { setting: 'ENTRA_PORT', port: entra, what: 'the Entra stand-in' },
    { setting: 'AZURITE_TABLE_PORT', port: table, what: 'the table emulator' },
  ]).then(
    () => 'nothing',
    (error: Error) => error.message,
  );
  expect(message.split('\n')).toEqual([
    'Cannot start:',
    `  - port ${app}, wanted for the function app, is in use; SERVER_PORT=<another port> moves it`,
    `  - port ${table}, wanted for the table emulator, is in use; AZURITE_TABLE_PORT=<another port> moves it`,
  ]);
});

const hasIpv6 = Object.values(networkInterfaces())
  .flat()
  .some(address => address?.address === '::1');

test.runIf(hasIpv6)(
  'a server on the IPv6 loopback alone is in the way too: browsers may reach it by "localhost"',
  async () => {
    const port = await busyPort('::1');
    await expect(checkPorts([{ setting: 'SERVER_PORT', port, what: 'the function app' }])).rejects.toThrow('is in use');
  },
);
