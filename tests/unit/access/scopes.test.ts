import { expect, test } from 'vitest';
import { parseScopes } from '../../../src/access/scopes.ts';

test('scopes that this server does not have are dropped, and none comes twice', () => {
  expect(parseScopes('notes:read admin profile notes:read')).toEqual(['profile', 'notes:read']);
});
