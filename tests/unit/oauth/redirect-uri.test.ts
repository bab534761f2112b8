import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  matchesRegistered,
  redirectHost,
  redirectTo,
  redirectUriProblem,
  withoutLoopbackPort,
} from '../../../src/oauth/clients/redirect-uri.ts';

describe('which redirect URIs may be registered', () => {
  test.each([
    'https://app.example/callback',
    'https://app.example:8443/cb?x=1',
    'http://localhost:8080/callback',
    'http://127.0.0.1/',
    'http://[::1]:9000/cb',
    'cursor://anysphere.cursor-mcp/oauth/callback',
    'vscode://vscode.github-authentication/did-authenticate',
    'https://vscode.dev/redirect',
    'http://localhost/',
    'http://localhost',
    'https://localhost:8443/cb',
    'com.example.app:/callback',
    'com.example.app://callback',
    'io.github.some-one.app2:/cb?x=1',
  ])('%s may', uri => {
    expect(redirectUriProblem(uri)).toBeUndefined();
  });

  test.each([
    ['http://app.example/cb', 'http on another host'],
    ['http://localhost.evil.example/cb', 'a host that begins like loopback'],
    ['http://127.0.0.2/cb', 'another loopback address than the one of RFC 8252'],
    ['http://127.1/cb', 'a short address, which a parser repairs'],
    ['http://2130706433/cb', 'a decimal address, which a parser repairs'],
    ['http://0x7f.1/cb', 'a hexadecimal address'],
    ['https://app.example/cb#x', 'a fragment'],
    ['https://app.example/cb#', 'an empty fragment'],
    ['https://user@app.example/cb', 'user information'],
    ['https://app.example@evil.example/cb', 'user information that looks like a host'],
    ['https://app.example/a/../cb', 'dot segments'],
    ['https://app.example/a/%2e%2e/cb', 'encoded dot segments'],
    ['https://app.example/a/.%2E/cb', 'half encoded dot segments'],
    ['https://APP.example/cb', 'an upper-case host'],
    ['https:\\\\app.example\\cb', 'backslashes'],
    ['https://äpp.example/cb', 'a host in Unicode'],
    ['https://app.example/c b', 'white space'],
    [' https://app.example/cb', 'white space before it'],
    ['https://app.example/\u0000', 'a control character'],
    ['javascript:alert(1)', 'a script'],
    ['data:text/html,x', 'data'],
    ['file:///etc/passwd', 'a file'],
    ['unknown-app://cb', 'a scheme that nobody knows'],
    ['app.example:8443/cb', 'a host without a scheme'],
    ['com.example.app:callback', 'a reverse domain name without a slash'],
    ['COM.example.app:/callback', 'a scheme in capitals'],
    ['.app:/callback', 'a scheme that begins with a dot'],
    ['com..app:/callback', 'a reverse domain name with an empty part'],
    ['com.example.app://user@callback', 'user information in an app’s URI'],
    ['cursor://@anysphere.cursor-mcp/cb', 'empty user information'],
    ['com.example.app:/a/../b', 'dot segments in an app’s URI'],
    ['https://app.example/a/..%2fcb', 'dot segments before an encoded slash'],
    ['https://app.example/a%5c..%5Ccb', 'dot segments between encoded backslashes'],
    ['https://app.example/..', 'dot segments at the end'],
    ['https://%61pp.example/cb', 'an encoded host'],
    ['http://[0:0:0:0:0:0:0:1]/cb', 'a loopback address that is not written canonically'],
    ['http://[::ffff:127.0.0.1]/cb', 'a mapped loopback address'],
    ['http://localhost./cb', 'a host with a dot at its end'],
    ['http://LOCALHOST/cb', 'a loopback host in capitals'],
    ['http:localhost/cb', 'a URI without its slashes, which a parser repairs'],
    ['http://localhost:99999/cb', 'a port that there is not'],
    ['about:blank', 'a page of the browser'],
    ['view-source:https://app.example/', 'a scheme around another'],
    ['intent://cb#Intent;end', 'an intent'],
    ['/callback', 'a relative reference'],
    ['', 'nothing'],
    [`https://app.example/${'a'.repeat(2000)}`, 'too many characters'],
  ])('%s may not: %s', uri => {
    expect(redirectUriProblem(uri)).toEqual(expect.any(String));
    expect(redirectUriProblem(uri, ['contoso-agent'])).toEqual(expect.any(String));
  });

  test('a scheme of the operator’s may, and opens nothing else', () => {
    expect(redirectUriProblem('contoso-agent://cb')).toBe('has the scheme contoso-agent, which is not known here');
    expect(redirectUriProblem('contoso-agent://cb', ['contoso-agent'])).toBeUndefined();
    expect(redirectUriProblem('contoso-agent2://cb', ['contoso-agent'])).toEqual(expect.any(String));
    // Not even if the list of them said so.
    for (const scheme of ['javascript', 'data', 'file', 'blob', 'vbscript', 'ftp']) {
      expect(redirectUriProblem(`${scheme}:/x`, [scheme])).toBe(`has the scheme ${scheme}, which no client has`);
    }
  });
});

describe('matching', () => {
  test('is exact but for the port of a loopback URI (RFC 8252 section 7.3)', () => {
    expect(matchesRegistered('http://localhost:1234/cb', ['http://localhost/cb'])).toBe(true);
    expect(matchesRegistered('http://127.0.0.1:1234/cb', ['http://127.0.0.1:33418/cb'])).toBe(true);
    expect(matchesRegistered('http://[::1]:1/cb', ['http://[::1]/cb'])).toBe(true);
    expect(matchesRegistered('http://localhost/cb', ['http://localhost:33418/cb'])).toBe(true);
    expect(matchesRegistered('http://localhost:1234', ['http://localhost'])).toBe(true);
    expect(matchesRegistered('http://localhost:1234/', ['http://localhost'])).toBe(false);
    expect(matchesRegistered('http://localhost:1234@evil.example/cb', ['http://localhost/cb'])).toBe(false);
    expect(matchesRegistered('http://localhost:99999/cb', ['http://localhost/cb'])).toBe(false);
    expect(matchesRegistered('https://localhost:1234/cb', ['http://localhost/cb'])).toBe(false);
    expect(matchesRegistered('https://localhost:1234/cb', ['https://localhost/cb'])).toBe(false);
    expect(matchesRegistered('contoso-agent://cb', ['contoso-agent://cb'])).toBe(true);
    expect(matchesRegistered('contoso-agent://CB', ['contoso-agent://cb'])).toBe(false);
    expect(matchesRegistered('javascript:alert(1)', ['javascript:alert(1)'])).toBe(false);
    expect(matchesRegistered('https://app.example/cb?x#y', ['https://app.example/cb?x#y'])).toBe(false);
    expect(matchesRegistered('http://127.0.0.1:1234/cb', ['http://localhost/cb'])).toBe(false);
    expect(matchesRegistered('http://localhost:1234/cb/', ['http://localhost/cb'])).toBe(false);
    expect(matchesRegistered('http://localhost:1234/cb?x', ['http://localhost/cb'])).toBe(false);
    expect(matchesRegistered('https://app.example:8443/cb', ['https://app.example/cb'])).toBe(false);
    expect(matchesRegistered('https://app.example/cb/x', ['https://app.example/cb'])).toBe(false);
    expect(matchesRegistered('https://app.example/anything', ['https://app.example/'])).toBe(false);
    expect(matchesRegistered('https://evil.example/cb', ['https://app.example/cb'])).toBe(false);
  });

  test('what matches has the host and path of what was registered', () => {
    const registered = 'https://app.example/cb?a=b';
    fc.assert(
      fc.property(fc.webUrl({ withQueryParameters: true, withFragments: true }), uri => {
        expect(matchesRegistered(uri, [registered])).toBe(uri === registered);
      }),
      { seed: 1, numRuns: 500 },
    );
  });

  test('a loopback URI is compared without its port, and others keep theirs', () => {
    expect(withoutLoopbackPort('http://localhost:1/a:2/b')).toBe('http://localhost/a:2/b');
    expect(withoutLoopbackPort('http://[::1]:1/a')).toBe('http://[::1]/a');
    expect(withoutLoopbackPort('https://app.example:8443/a')).toBe('https://app.example:8443/a');
  });
});

test('parameters are added to a query that is there', () => {
  expect(redirectTo('https://app.example/cb?a=b', { code: 'x&y', state: undefined })).toBe(
    'https://app.example/cb?a=b&code=x%26y',
  );
  // A registered query stays to the letter.
  expect(redirectTo('https://app.example/cb?x=/../y', { code: 'x' })).toBe('https://app.example/cb?x=/../y&code=x');
  expect(redirectTo('https://app.example/cb?', { code: 'x' })).toBe('https://app.example/cb?code=x');
  expect(redirectTo('https://app.example', { code: 'x' })).toBe('https://app.example?code=x');
  expect(redirectTo('cursor://anysphere.cursor-mcp/oauth/callback', { code: 'x' })).toBe(
    'cursor://anysphere.cursor-mcp/oauth/callback?code=x',
  );
});

test('the host that a person is shown', () => {
  expect(redirectHost('https://app.example/cb')).toBe('app.example');
  expect(redirectHost('cursor://anysphere.cursor-mcp/cb')).toBe('cursor (an app)');
});
