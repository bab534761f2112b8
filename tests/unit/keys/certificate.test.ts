import { describe, expect, test } from 'vitest';
import { createApp } from '../../../src/app.ts';
import { loadConfig } from '../../../src/config.ts';
import { parseCertificate } from '../../../src/keys/certificate.ts';
import { createLogger } from '../../../src/log.ts';

const PATH = 'tests/fixtures/client-certificate.pem';
const GUID = '11111111-2222-3333-4444-555555555555';
const DAY = 86_400_000;
const { expiresAt } = parseCertificate(PATH);

/** What the log of a start at that time says. */
function startAt(now: number, credential: Record<string, string> = { AUTH_CLIENT_CERTIFICATE: PATH }) {
  const { config } = loadConfig({
    AUTH_TENANT_ID: GUID,
    AUTH_CLIENT_ID: GUID,
    AzureWebJobsStorage: 'UseDevelopmentStorage=true',
    ...credential,
  });
  const lines: string[] = [];
  createApp(config, { log: createLogger('debug', (_level, line) => lines.push(line)), version: '0', now: () => now });
  return lines.map(line => JSON.parse(line));
}

describe('a certificate at the start', () => {
  test.each([
    ['the certificate expires soon', expiresAt - 30 * DAY],
    ['the certificate expires soon', expiresAt - 1],
    ['the certificate has expired', expiresAt],
  ])('%s, at %i', (event, now) => {
    expect(startAt(now)).toEqual([
      { level: 'warn', event, setting: 'AUTH_CLIENT_CERTIFICATE', expires: new Date(expiresAt).toISOString() },
    ]);
  });

  test('is not spoken of while it is good, nor where there is none', () => {
    expect(startAt(expiresAt - 30 * DAY - 1)).toEqual([]);
    expect(startAt(expiresAt, { AUTH_CLIENT_SECRET: 'x' })).toEqual([]);
  });
});
