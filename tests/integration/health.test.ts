import { afterAll, beforeAll, expect, test } from 'vitest';
import { type AppServer, startAppServer } from '../support/app-server.ts';

let server: AppServer;
beforeAll(async () => {
  server = await startAppServer();
});
afterAll(() => server.stop());

const ask = async (path: string) => {
  const response = await fetch(`${server.origin}${path}`);
  return [response.status, await response.json()];
};
const version = '0.0.0-test';

const FAULTS = ['outage', 'reset', 'garbage'] as const;

test.each(FAULTS)('%s of Entra’s keys: alive, not ready, and ready again ten seconds after it', async fault => {
  server.clock.advance(10);
  const well = [200, { status: 'ready', version, storage: 'ok', keys: 'ok', entra: 'ok' }];
  expect(await ask('/health/ready')).toEqual(well);
  server.entra.fail('keys', fault);
  expect(await ask('/health/ready')).toEqual(well);
  server.clock.advance(10);
  expect(await ask('/health/ready')).toEqual([
    503,
    { status: 'not ready', version, storage: 'ok', keys: 'ok', entra: 'unavailable' },
  ]);
  expect(await ask('/health')).toEqual([200, { status: 'ok', version }]);
  server.entra.fail('keys', undefined);
  server.clock.advance(10);
  expect(await ask('/health/ready')).toEqual(well);
});
