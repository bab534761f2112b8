import { expect, test } from 'vitest';
import { declaredScopes } from '../../../src/access/declared-scopes.ts';
import { SCOPES } from '../../../src/access/scopes.ts';
import { samples } from '../../../src/samples.ts';

const WORDS = { 'reports:read': 'Read your reports', profile: 'See your name' };

test('an app’s scopes keep their order and words', () => {
  const served = [{ name: 'list_reports', scopes: ['reports:read'] }];
  expect(declaredScopes(WORDS, served)).toEqual([
    { name: 'reports:read', description: 'Read your reports' },
    { name: 'profile', description: 'See your name' },
  ]);
  const { tools, resources, prompts } = samples;
  expect(declaredScopes(SCOPES, [...tools, ...resources, ...prompts]).map(({ name }) => name)).toEqual(
    Object.keys(SCOPES),
  );
});

test.each([
  [{}],
  [{ offline_access: 'Stay signed in' }],
  [{ 'two words': 'Two' }],
  [{ 'quoted"': 'Quoted' }],
  [{ 'reports:read': ' ' }],
])('%j is refused', scopes => {
  expect(() => declaredScopes(scopes, [])).toThrow('`scopes` takes names');
});

test.each(['reports:write', 'toString'])('a tool that needs %s, which is not declared, is refused', scope => {
  expect(() => declaredScopes(WORDS, [{ name: 'save', scopes: [scope] }])).toThrow(`save needs ${scope}, which`);
});
