import { expect, test } from 'vitest';
import { documentUrlProblem, namesDocument } from '../../../../src/oauth/clients/documents/public-url.ts';

test.each([
  'https://claude.ai/oauth/claude-code-client-metadata',
  'https://chatgpt.com/oauth/abc/client.json',
  'https://client.example:8443/id',
  'https://client.example/a/',
  'https://xn--bcher-kva.example/id',
  'https://10.example/id',
])('%s may be a client id', id => {
  expect(documentUrlProblem(id)).toBeUndefined();
});

test.each([
  ['http://client.example/id', 'is not an https URL'],
  ['ftp://client.example/id', 'is not an https URL'],
  ['https://client.example', 'canonical'],
  ['https://client.example/', 'has no path'],
  ['https://client.example/id#x', 'fragment'],
  ['https://client.example/id#', 'fragment'],
  ['https://client.example/id?', 'query'],
  ['https://client.example/id?a=b', 'query'],
  ['https://user@client.example/id', 'user information'],
  ['https://user:secret@client.example/id', 'user information'],
  ['https://@client.example/id', 'canonical'],
  ['https://client.example/a/../id', 'canonical'],
  ['https://client.example/./id', 'canonical'],
  ['https://client.example/%2e%2e/id', 'canonical'],
  ['https://client.example/a/..', 'canonical'],
  ['https://client.example\\id', 'canonical'],
  ['https:client.example/id', 'canonical'],
  ['https:///client.example/id', 'canonical'],
  ['HTTPS://client.example/id', 'canonical'],
  ['https://Client.Example/id', 'canonical'],
  ['https://client.example:443/id', 'canonical'],
  ['https://bücher.example/id', 'canonical'],
  ['https://client.example/\u00e9', 'canonical'],
  ['https://client.example/a\nb', 'canonical'],
  [' https://client.example/id', 'canonical'],
  ['https://2130706433/id', 'canonical'],
  ['https://0x7f000001/id', 'canonical'],
  ['https://0177.0.0.1/id', 'canonical'],
  ['https://127.1/id', 'canonical'],
  ['https://127.0.0.1/id', 'IP address'],
  ['https://8.8.8.8/id', 'IP address'],
  ['https://[::1]/id', 'IP address'],
  ['https://[::ffff:7f00:1]/id', 'IP address'],
  ['https://localhost/id', 'no public host'],
  ['https://client.example./id', 'no public host'],
  ['https://localhost./id', 'no public host'],
  ['https://intranet/id', 'no public host'],
  ['https://a.localhost/id', 'no public host'],
  ['https://printer.local/id', 'no public host'],
  ['https://metadata.google.internal/id', 'no public host'],
  ['https://nas.home.arpa/id', 'no public host'],
  ['https://x.corp/id', 'no public host'],
  [`https://client.example/${'a'.repeat(500)}`, 'longer than'],
])('%s may not: %s', (id, problem) => {
  expect(documentUrlProblem(id)).toContain(problem);
});

test('only what looks like a web address is meant as a document', () => {
  expect(['https://a.example/b', 'HTTP://a', 'http://a'].map(namesDocument)).toEqual([true, true, true]);
  expect(['pc.abc', 'portal', 'urn:a', 'httpsx://a'].map(namesDocument)).toEqual([false, false, false, false]);
});
