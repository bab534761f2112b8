/** Redirect URIs that are nearly one that is registered, or that some parser takes for it. */

/** What is registered, one of each kind that there is. */
export const REGISTERED = {
  web: 'https://client.example/callback',
  loopback: 'http://127.0.0.1/callback',
  private: 'cursor://client.example/callback',
} as const;

const SCHEMES = [
  'https:',
  'http:',
  'HTTPS:',
  'hTTps:',
  'cursor:',
  'javascript:',
  'data:',
  'file:',
  'ftp:',
  'blob:https:',
  'view-source:https:',
  '',
];
const SLASHES = ['//', '/', '', '///', '\\\\', '/\\', '\\/', '//\t', '//%2f'];
const USERINFO = [
  '',
  'client.example@',
  'client.example:443@',
  'a:b@',
  '@',
  '%40',
  'client.example%40',
  'client.example\\@',
  'client.example#@',
  'client.example?@',
  'client.example;@',
];
const HOSTS = [
  'client.example',
  'CLIENT.example',
  'client.example.',
  'client.example..',
  'evil.example',
  'client.example.evil.example',
  'evilclient.example',
  'sub.client.example',
  'client.example%2eevil.example',
  'client.example%00.evil.example',
  'client.example%0d%0a',
  'client\u3002example',
  'client\uff0eexample',
  'cl\u0456ent.example',
  'cl\u00eeent.example',
  'xn--clent-6ve.example',
  'client\u00ad.example',
  'client\u200b.example',
  '\uff43lient.example',
  'localhost',
  'localhost.',
  '127.0.0.1',
  '127.1',
  '2130706433',
  '0x7f.0.0.1',
  '0177.0.0.1',
  '[::1]',
  '[::ffff:127.0.0.1]',
  '[::ffff:7f00:1]',
  '127.0.0.1.evil.example',
  '0.0.0.0',
  '[::]',
  '',
];
const PORTS = [
  '',
  ':443',
  ':0443',
  ':444',
  ':0',
  ':99999',
  ':-1',
  ':',
  ':80:80',
  ':443@evil.example',
  ': 443',
  ':\u0661',
];
const PATHS = [
  '/callback',
  '/Callback',
  '/callback/',
  '/callback/..',
  '/callback/../evil',
  '/./callback',
  '/x/../callback',
  '/x/%2e%2e/callback',
  '//callback',
  '/callback%2f',
  '/%63allback',
  '/callback;x',
  '/callback?',
  '/callback?x=1',
  '/callback?code=x',
  '/callback#',
  '/callback#x',
  '/callback%23',
  '/callback%00',
  '/callback\0',
  '/callback\n',
  '/callback\r\nLocation: https://evil.example',
  '/call\tback',
  '/callback ',
  '/callback\u00a0',
  '/callback\u2028',
  '/callback\ufeff',
  '/c\u0430llback',
  '',
  '/',
  '\\callback',
  '/callback\\..\\evil',
];
const WHOLE = [
  ' https://client.example/callback',
  '\ufeffhttps://client.example/callback',
  '\thttps://client.example/callback',
  'https://client.example/callback https://evil.example',
  'https://client.example/callback,https://evil.example',
  'https://evil.example/https://client.example/callback',
  'https://evil.example?https://client.example/callback',
  'https://evil.example#https://client.example/callback',
  '["https://client.example/callback"]',
  'callback',
  '*',
  'https://*.example/callback',
  'https://client.example/*',
  'null',
  'about:blank',
  'urn:ietf:wg:oauth:2.0:oob',
];

/** Each part bent in turn, around each of what is registered; and each with each of some others. */
export function redirectStrings(): string[] {
  const all = new Set<string>(WHOLE);
  for (const registered of Object.values(REGISTERED)) {
    const [, scheme = '', host = '', path = ''] = /^([^:]+:)\/\/([^/]+)(.*)$/.exec(registered) ?? [];
    const add = (change: {
      scheme?: string;
      slashes?: string;
      user?: string;
      host?: string;
      port?: string;
      path?: string;
    }) => {
      const { user = '', port = '' } = change;
      all.add(
        `${change.scheme ?? scheme}${change.slashes ?? '//'}${user}${change.host ?? host}${port}${change.path ?? path}`,
      );
    };
    for (const each of SCHEMES) for (const slashes of SLASHES) add({ scheme: each, slashes });
    for (const user of USERINFO)
      for (const to of ['client.example', '127.0.0.1', 'evil.example']) add({ user, host: to });
    for (const to of HOSTS) for (const port of ['', ':443', ':1']) add({ host: to, port });
    for (const port of PORTS) for (const end of ['/callback', '']) add({ port, path: end });
    for (const end of PATHS) for (const to of [host, `${host}:1`]) add({ path: end, host: to });
  }
  for (const registered of Object.values(REGISTERED)) all.delete(registered);
  return [...all];
}
