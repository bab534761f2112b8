import { describe, expect, test } from 'vitest';
import { createOriginRule } from '../../../src/access/origin.ts';

const NO_ORIGINS = [
  'null',
  '',
  'nonsense',
  'https://',
  'https://a.example/',
  'https://A.example',
  'https://a.example:443',
  'https://user@a.example',
  'file://',
  'chrome-extension://abc',
  'https://a.example, https://b.example',
];

describe('RS-52: on loopback', () => {
  const allowed = createOriginRule({ publicOrigin: 'http://localhost:7071', allowedOrigins: ['https://a.example'] });
  test.each([
    'http://localhost:6274',
    'https://localhost',
    'http://127.0.0.1:3000',
    'http://[::1]:3000',
    'http://app.localhost',
  ])('%s may call', origin => expect(allowed(origin)).toBe(true));
  test.each([
    ...NO_ORIGINS,
    'https://a.example',
    'http://localhost.evil.example',
    'http://127.0.0.1.evil.example',
    'http://192.168.0.1',
  ])('"%s" may not', origin => expect(allowed(origin)).toBe(false));
});

describe('RS-52: elsewhere', () => {
  const any = createOriginRule({ publicOrigin: 'https://mcp.example' });
  test('every https origin may call', () => expect(any('https://a.example')).toBe(true));
  test.each([...NO_ORIGINS, 'http://a.example', 'http://localhost:6274'])('"%s" may not', origin =>
    expect(any(origin)).toBe(false),
  );

  const listed = createOriginRule({
    publicOrigin: 'https://mcp.example',
    allowedOrigins: ['https://a.example', 'http://localhost:6274'],
  });
  test('a list says exactly who may call', () => {
    expect(listed('https://a.example')).toBe(true);
    expect(listed('http://localhost:6274')).toBe(true);
    expect(listed('https://b.example')).toBe(false);
    expect(listed('https://a.example.evil.example')).toBe(false);
  });
});
