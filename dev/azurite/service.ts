/**
 * One Azurite service as a process of its own. Started by `index.ts` as `service.ts table|blob <flags>`.
 *
 * It adds three things to Azurite's own command: it tells the parent over IPC which port it got, it closes cleanly
 * (tables written to disk) when the parent lets go of it, and for the same reason it never outlives its parent.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { AddressInfo, Server } from 'node:net';

const service = process.argv[2] === 'blob' ? 'blob' : 'table';
process.argv.splice(2, 1);

let port: number | undefined;
subscribe('tracing:net.server.listen:asyncEnd', message => {
  const { server } = message as { server: Server };
  port = (server.address() as AddressInfo).port;
});

// Azurite listens to SIGINT only once it has started, and this is what the parent is waiting for.
process.on('newListener', event => {
  if (event === 'SIGINT' && port !== undefined) process.send?.({ port });
});

process.once('disconnect', () => {
  if (port === undefined) process.exit(1);
  process.emit('SIGINT', 'SIGINT');
  // A request that came in while closing is never answered by Azurite; its connection must not keep the process.
  setTimeout(() => process.exit(0), 3000).unref();
});

await import(`azurite/dist/src/${service}/main.js`);
