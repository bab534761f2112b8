import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { ConfigError } from '../../../src/config.ts';
import { isSecretOf } from '../../../src/oauth/clients/client.ts';
import { preregisteredClients } from '../../../src/oauth/clients/preregistered-clients.ts';

const portal = (change: object) => ({ client_id: 'portal', redirect_uris: [], introspection: false, ...change });

test('a client of the operator’s, public or with a secret', () => {
  const clients = preregisteredClients([
    portal({ client_name: 'Portal', redirect_uris: ['https://portal.example/callback', 'portal://callback'] }),
    portal({ client_id: 'other', client_secret_sha256: createHash('sha256').update('secret').digest('base64url') }),
  ]);
  expect(clients.get('portal')).toMatchObject({
    source: 'preregistered',
    unused: false,
    metadata: { client_name: 'Portal', token_endpoint_auth_method: 'none' },
  });
  const hash = clients.get('other')?.secretHash ?? '';
  expect([isSecretOf(hash, 'secret'), isSecretOf(hash, 'Secret')]).toEqual([true, false]);
});

test.each([
  ['http://portal.example/', 'is http on another host than this machine'],
  ['https://portal.example/#', 'has a fragment'],
  ['https://user@portal.example/', 'has user information'],
  ['https://Portal.example/', 'is not written canonically'],
  ['javascript:alert(1)', 'has the scheme javascript'],
  ['portal://a/../b', 'has dot segments'],
])('the redirect URI %s stops the start, with the reason', (uri, reason) => {
  const make = () => preregisteredClients([portal({ redirect_uris: [uri] })]);
  expect(make).toThrow(ConfigError);
  expect(make).toThrow(reason);
});
