import { expect, test } from 'vitest';
import { declaredScopes, impliedScopes } from '../../../src/access/declared-scopes.ts';
import { coveredBy, covers, SCOPES, type ScopeDeclarations } from '../../../src/access/scopes.ts';
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
  [{ 'reports:read': { description: '' } }],
  [{ 'reports:read': null }],
  [['reports:read']],
  [{ 'reports:read': { description: 'Read your reports', implies: 'profile' }, profile: 'See your name' }],
])('%j is refused', scopes => {
  expect(() => declaredScopes(scopes as unknown as ScopeDeclarations, [])).toThrow('`scopes` takes names');
});

test.each(['reports:write', 'toString'])('a tool that needs %s, which is not declared, is refused', scope => {
  expect(() => declaredScopes(WORDS, [{ name: 'save', scopes: [scope] }])).toThrow(`save needs ${scope}, which`);
});

const LEVELS: ScopeDeclarations = {
  read: 'Read',
  comment: { description: 'Comment', implies: ['read'] },
  write: { description: 'Write', implies: ['comment'] },
  profile: 'See your name',
};

test.each([
  [['write'], ['read', 'comment', 'write'], true],
  [['comment'], ['read'], true],
  [['read'], ['comment'], false],
  [['write'], ['profile'], false],
  [['write', 'profile'], ['profile', 'read'], true],
  [[], [], true],
  [[], ['read'], false],
])('of scopes that imply others %j covers %j: %j', (granted, needed, answer) => {
  expect(covers(coveredBy(granted, impliedScopes(LEVELS)), needed)).toBe(answer);
});

test('what a scope implies is told where it has words, and two may imply each other', () => {
  expect(declaredScopes(LEVELS, []).map(({ description }) => description)).toContain('Comment');
  const twins = { a: { description: 'A', implies: ['b', 'a'] }, b: { description: 'B', implies: ['a'] } };
  expect(impliedScopes(twins)).toEqual(
    new Map([
      ['a', ['b']],
      ['b', ['a']],
    ]),
  );
});

test.each(['reports:all', 'toString'])('a scope that implies %s, which is not declared, is refused', implied => {
  const declared = { write: { description: 'Write', implies: [implied] } };
  expect(() => declaredScopes(declared, [])).toThrow(`The scope write implies ${implied}, which`);
});

test('names bring nothing: only who declares it lets writers read', () => {
  const declared = { 'notes:read': 'Read notes', 'notes:write': 'Write notes' };
  expect(covers(coveredBy(['notes:write'], impliedScopes(declared)), ['notes:read'])).toBe(false);
  expect(covers(coveredBy(['notes:write']), ['notes:read'])).toBe(false);
  expect(covers(coveredBy(['notes:write'], impliedScopes(SCOPES)), ['notes:read'])).toBe(true);
});
