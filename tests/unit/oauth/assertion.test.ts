import { describe, expect, test } from 'vitest';
import { claimedSubject } from '../../../src/oauth/clients/assertion.ts';

const unsigned = (claims: unknown) =>
  `e30.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${Buffer.from('x').toString('base64url')}`;

describe('whom an assertion says that it is about', () => {
  test('is its subject', () => {
    expect(claimedSubject(unsigned({ sub: 'https://client.example/id' }))).toBe('https://client.example/id');
  });

  test.each([[7], [true], [null], [['https://client.example/id']], [{ id: 'x' }]])(
    'is nobody where that is %j',
    sub => {
      expect(claimedSubject(unsigned({ sub }))).toBeUndefined();
    },
  );

  test.each(['', 'x', 'a.b.c', unsigned('text'), unsigned({})])('is nobody where there is none: %j', assertion => {
    expect(claimedSubject(assertion)).toBeUndefined();
  });
});
