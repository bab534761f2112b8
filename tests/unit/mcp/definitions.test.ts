/** What cannot be served is refused where it is defined, in words that tell what would do. */
import { expect, test } from 'vitest';
import * as z from 'zod';
import { createCatalogue } from '../../../src/mcp/catalogue.ts';
import { definePrompt } from '../../../src/mcp/define-prompt.ts';
import { defineResource } from '../../../src/mcp/define-resource.ts';
import { defineTool } from '../../../src/mcp/define-tool.ts';

const more = { title: 'Title', description: 'Description', scopes: [] };
const tool = (name: string, limits: { timeLimitSeconds?: number; callsAtOnce?: number } = {}) =>
  defineTool({ ...more, ...limits, name, input: z.object({}), handler: () => 'done' });
const resource = (uri: string) =>
  defineResource({ ...more, uri, name: 'name', mimeType: 'text/plain', read: () => 'content' });
const prompt = (name: string) => definePrompt({ ...more, name, args: z.object({}), handler: () => 'draft' });

test.each(['a', 'get_user-notes.v2', 'A9', 'x'.repeat(128)])('a tool may be called %s', name => {
  expect(tool(name).name).toBe(name);
});

test.each(['', 'a b/ü', 'a/b', 'ü', 'name\n', 'x'.repeat(129)])('a tool may not be called %j', name => {
  expect(() => tool(name)).toThrow(RangeError);
  expect(() => tool(name)).toThrow(`The tool name ${JSON.stringify(name)} is not 1 to 128 of`);
});

test.each([0, -1, Number.NaN, 200.1, Number.POSITIVE_INFINITY])('a call may not take %d seconds', timeLimitSeconds => {
  expect(() => tool('slow', { timeLimitSeconds })).toThrow(RangeError);
  const what = `slow: timeLimitSeconds is ${timeLimitSeconds}. Expected: more than 0, up to 200.`;
  expect(() => tool('slow', { timeLimitSeconds })).toThrow(what);
});

test.each([
  [0.1, 100],
  [200, 200_000],
])('a call may take %d seconds', (timeLimitSeconds, timeLimitMs) => {
  expect(tool('slow', { timeLimitSeconds })).toMatchObject({ timeLimitMs });
});

test.each([
  'note://list',
  'urn:isbn:0451450523',
  'https://reports.example/2026?q=%C3%BC#top',
  'note://{id}',
  'app://books/{book}/pages{?number,from}',
  'file:///{+path*}',
  '{scheme}://x',
])('a resource may have the uri %s', uri => {
  expect(resource(uri)).toMatchObject({ uri, isTemplate: uri.includes('{') });
});

test.each([
  '',
  'nota uri',
  'list',
  '/list',
  'note:',
  'note://a b',
  'note://ü',
  'note://100%',
  'a://{x',
  'a://x}',
  'a://{}',
  'a://{{x}}',
  'a://{x y}',
  'a://{x,}',
  'a://{x:3}',
  'a://{!x}',
  'note://list\n',
])('a resource may not have the uri %j', uri => {
  expect(() => resource(uri)).toThrow(RangeError);
  expect(() => resource(uri)).toThrow(`The uri ${JSON.stringify(uri)} is neither absolute`);
});

test('a template of more open variables than may be is refused where it is defined', () => {
  expect(() => resource('f://{+a}/{+b}/{+c}')).toThrow('has 3 variables');
});

test('two of one name are refused by that name', () => {
  const none = { tools: [], prompts: [], resources: [] };
  const twice = <T>(one: T) => [one, one];
  expect(() => createCatalogue({ ...none, tools: [tool('other'), ...twice(tool('greet'))] })).toThrow(
    'Two tools have the same name: greet.',
  );
  expect(() => createCatalogue({ ...none, prompts: twice(prompt('draft')) })).toThrow(
    'Two prompts have the same name: draft.',
  );
  expect(() => createCatalogue({ ...none, resources: twice(resource('note://list')) })).toThrow(
    'Two resources have the same URI: note://list.',
  );
  expect(createCatalogue({ ...none, tools: [tool('a')], prompts: [prompt('a')] }).tools.size).toBe(1);
});

const notOf = (definition: object) => definition as never;
const rest = { ...more, name: 'greet', handler: () => 'done' };

test.each([
  ['input', { ...rest }],
  ['input', { ...rest, input: { name: z.string() } }],
  ['input', { ...rest, input: z.string() }],
  ['output', { ...rest, input: z.object({}), output: { text: z.string() } }],
  ['output', { ...rest, input: z.object({}), output: null }],
])('an %s that is no object’s schema is refused', (field, definition) => {
  expect(() => defineTool(notOf(definition))).toThrow(TypeError);
  expect(() => defineTool(notOf(definition))).toThrow(`greet: ${field} is no schema of an object. Expected: z.object(`);
});

test('arguments of a prompt and scopes of anything are looked at too', () => {
  expect(() => definePrompt(notOf({ ...rest, args: { name: z.string() } }))).toThrow('greet: args is no schema');
  expect(() => definePrompt(notOf({ ...rest }))).toThrow('greet: args is no schema');
  const scopes = undefined;
  const noList = 'greet: scopes is no list. Expected: names, or [] for none.';
  expect(() => defineTool(notOf({ ...rest, input: z.object({}), scopes }))).toThrow(noList);
  expect(() => definePrompt(notOf({ ...rest, args: z.object({}), scopes: 'profile' }))).toThrow(noList);
  expect(() => defineResource(notOf({ ...rest, uri: 'note://list', read: () => '', scopes }))).toThrow(noList);
});
