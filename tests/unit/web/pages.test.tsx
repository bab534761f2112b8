import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type ConsentProps,
  consentPage,
  errorPage,
  type LandingProps,
  landingPage,
  signedOutPage,
} from '../../../src/web/index.ts';
import { anyText } from '../../support/any-text.ts';
import { PAGES } from '../../support/pages.ts';

const pages = Object.entries(PAGES);

/** A Content-Security-Policy as directive -> sources. */
function policyOf(response: Response): Map<string, string> {
  const directives = (response.headers.get('content-security-policy') ?? '').split('; ');
  return new Map(directives.map(directive => directive.split(/ (.*)/s, 2) as [string, string]));
}

const inline = (html: string, tag: string) => html.match(new RegExp(`<${tag}>(.*?)</${tag}>`, 's'))?.[1];
const sourceOf = (text: string) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`;

describe.each(pages)('%s', (name, make) => {
  it('has every security header', () => {
    const { headers } = make();
    expect(Object.fromEntries(headers)).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-store',
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
      'permissions-policy': expect.stringContaining('camera=()'),
    });
    for (const cors of ['access-control-allow-origin', 'set-cookie', 'strict-transport-security']) {
      expect(headers.get(cors)).toBeNull();
    }
  });

  it('allows its own style and script by their hashes, and nothing else', async () => {
    const response = make();
    const policy = policyOf(response);
    const html = await response.text();
    const script = inline(html, 'script');
    expect(policy.get('style-src')).toBe(sourceOf(inline(html, 'style') ?? ''));
    expect(policy.get('script-src')).toBe(script && sourceOf(script));
    expect(policy.get('default-src')).toBe("'none'");
    expect(policy.get('base-uri')).toBe("'none'");
    expect(policy.get('frame-ancestors')).toBe("'none'");
    expect(policy.get('img-src')).toBe('data:');
    expect([...policy.values()].join(' ')).not.toMatch(/unsafe|https?:|\*/);
    expect(html).not.toMatch(/ (style|on[a-z]+)="/);
  });

  it('keeps its opener and its redirects in a client’s flow, and neither elsewhere', () => {
    const response = make();
    const clientFlow = /consent|error|interaction/.test(name);
    expect(policyOf(response).get('form-action')).toBe(clientFlow ? undefined : "'self'");
    expect(response.headers.get('cross-origin-opener-policy')).toBe(clientFlow ? null : 'same-origin');
  });

  it('is a whole, small page with nothing of anybody else’s', async () => {
    const html = await make().text();
    expect(html).toMatch(/^<!doctype html><html lang="en"><head><meta charset="utf-8"\/>/);
    expect(html.match(/<h1>/g)).toHaveLength(1);
    expect(html.match(/<main/g)).toHaveLength(1);
    expect(html).toMatch(/<title>[^<]+<\/title>/);
    expect(html).toContain('<link rel="icon" href="data:,"/>');
    expect(html).not.toMatch(/ src=|@import|url\(/);
    const withoutToken = html.replace(/(<textarea[^>]*>)[^<]*/, '$1');
    expect(Buffer.byteLength(withoutToken)).toBeLessThan(12 * 1024);
  });

  it('is the same each time', async () => {
    expect(await make().text()).toBe(await make().text());
  });
});

const signedIn: LandingProps = {
  mcpUrl: 'https://notes.example.com/mcp',
  serverName: 'Notes',
  version: '1',
  person: { name: 'Ada', email: 'ada@example.com' },
  scriptTokens: {
    enabled: true,
    scopes: [{ scope: 'notes:read', description: 'Read notes' }],
    canIssue: true,
    csrf: 'csrf-value',
    active: [{ grantId: 'grant-1', scopes: ['notes:read'], issuedAt: new Date(0), expiresAt: new Date(3_600_000) }],
  },
};

const consent: ConsentProps = {
  client: { name: 'Claude', id: 'c_1' },
  source: { kind: 'registered' },
  redirectUri: 'https://claude.ai/callback?x=1',
  redirectHost: 'claude.ai',
  opensProgram: false,
  scopes: [
    { scope: 'notes:read', description: 'Read notes' },
    { scope: 'offline_access', description: 'Stay signed in' },
  ],
  request: 'sealed',
  action: '/oauth/consent',
  resource: 'https://notes.example.com/mcp',
};

describe('the landing page', () => {
  const render = (change: Partial<LandingProps> = {}, tokens: Partial<LandingProps['scriptTokens']> = {}) =>
    landingPage({ ...signedIn, ...change, scriptTokens: { ...signedIn.scriptTokens, ...tokens } }).text();
  const formsOf = (html: string) => html.match(/<form.*?<\/form>/gs) ?? [];

  it('offers sign-in by a link, and no form, to nobody', async () => {
    const html = await render({ person: undefined });
    expect(html).toContain('href="/auth/login"');
    expect(formsOf(html)).toEqual([]);
    expect(html).not.toContain('csrf-value');
    expect(html).not.toContain('grant-1');
  });

  it('gives the address of each server, and no id twice', async () => {
    const urls = ['wiki', 'shop'].map(name => `https://mcp.example/${name}/mcp`);
    const html = await render({ others: urls.map((mcpUrl, index) => ({ name: `Server ${index}`, mcpUrl })) });
    for (const url of urls) expect(html).toContain(`value="${url}"`);
    const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
    expect(new Set(ids).size).toBe(ids.length);
    for (const [, id] of html.matchAll(/data-copy="([^"]+)"/g)) expect(ids).toContain(id);
    expect(await render()).not.toContain('More servers');
  });

  it('puts the CSRF value into every form', async () => {
    const forms = formsOf(await render());
    expect(forms.map(form => form.match(/<form[^>]*action="([^"]*)"/)?.[1])).toEqual(['/auth/logout', '/', '/']);
    for (const form of forms) {
      expect(form).toContain('method="post"');
      expect(form).toContain('<input type="hidden" name="csrf" value="csrf-value"/>');
    }
    expect(forms[1]).toContain('<input type="hidden" name="action" value="issue-token"/>');
    expect(forms[1]).toContain('<input type="checkbox" name="scope" value="notes:read" checked=""/>');
    expect(forms[2]).toContain('<input type="hidden" name="action" value="end-token"/>');
    expect(forms[2]).toContain('<input type="hidden" name="grant_id" value="grant-1"/>');
  });

  it('offers to sign in again instead of the form when the sign-in is not fresh', async () => {
    const html = await render({}, { canIssue: false });
    expect(html).not.toContain('issue-token');
    expect(html).toContain('Sign in again');
    expect(html).toContain('end-token');
  });

  it('has no way to issue a token where that is off, but lets those issued before be ended', async () => {
    const html = await render({}, { enabled: false });
    expect(html).not.toContain('issue-token');
    expect(html).toContain('end-token');
    expect(await render({}, { enabled: false, active: [] })).not.toContain('Tokens for scripts');
    expect(await render({ person: undefined }, { enabled: false })).not.toContain('script?');
  });

  it('shows an issued token once, with what it may do and when it ends', async () => {
    const issued = { token: 'the.very.token', expiresAt: new Date(Date.UTC(2026, 0, 2, 3, 4)), scopes: ['a', 'b'] };
    const html = await render({}, { issued: { ...issued, grantId: 'grant-2' } });
    expect(html.split('the.very.token')).toHaveLength(2);
    expect(html).toMatch(/<textarea[^>]* readonly=""[^>]*>the\.very\.token<\/textarea>/);
    expect(html).toContain('shown once');
    expect(html).toContain('<time datetime="2026-01-02T03:04:00.000Z">2 Jan 2026, 03:04 UTC</time>');
    expect(html).toContain('<code>a b</code>');
  });

  it('names a person by what can be read of them', async () => {
    expect(await render({ person: { name: '\u200B', email: 'ada@example.com' } })).toContain(
      '<bdi>ada@example.com</bdi>',
    );
    expect(await render({ person: {} })).toContain('<bdi>Signed in</bdi>');
    expect(await render({ person: { name: 'Ada\u202Eevil' } })).toContain('<bdi>Adaevil</bdi>');
  });
});

describe('the consent page', () => {
  const render = (change: Partial<ConsentProps> = {}) => consentPage({ ...consent, ...change }).text();

  it('AS-16: names the redirect host before what the client says of itself', async () => {
    const html = await render();
    const host = html.indexOf('<p class="host">claude.ai</p>');
    expect(host).toBeGreaterThan(0);
    expect(html.indexOf('“<bdi>Claude</bdi>”')).toBeGreaterThan(host);
  });

  it('PX-61..63: names the client, the scopes and the whole redirect URI', async () => {
    const html = await render();
    expect(html).toContain('c_1');
    expect(html).toContain('https://claude.ai/callback?x=1');
    expect(html).toContain('<input type="checkbox" name="scope" value="notes:read" checked=""/>');
    expect(html).toContain('Stay signed in');
    expect(html).toContain('<input type="checkbox" name="scope" value="offline_access" checked=""/>');
    expect(html).toContain('https://notes.example.com/mcp');
  });

  it('AS-15: warns where approving opens a program on this computer', async () => {
    const warning = 'Only approve if you just started this on this computer.';
    const html = await render({ opensProgram: true, redirectHost: 'cursor (an app)' });
    expect(html).toContain('>cursor (an app)</p>');
    expect(html).toContain(warning);
    expect(html).toContain('opens a program on this computer');
    expect(await render()).not.toContain(warning);
    expect(await render()).toContain('Approving sends you to');
  });

  /** What stands between the client's name and the form, as text. */
  const provenance = async (change: Partial<ConsentProps>) =>
    (/<p class="soft">It calls itself(.*?)<\/p>/s.exec(await render(change))?.[1] ?? '').replace(/<[^>]*>|\s+/g, ' ');

  it('says where the client’s description comes from', async () => {
    expect(await provenance({ source: { kind: 'registered' } })).toContain('It registered itself, unverified');
    expect(await provenance({ source: { kind: 'preregistered' } })).toContain('operator of this server has registered');
    const published = await provenance({ source: { kind: 'document', host: 'apps.example.com' } });
    expect(published).toMatch(/published at +apps\.example\.com/);
    expect(published).not.toContain('verified');
  });

  it('calls a document not verified where any program on this computer could use it', async () => {
    const source = { kind: 'document', host: 'apps.example.com' } as const;
    const said = await provenance({ source, opensProgram: true });
    expect(said).toMatch(/published at +apps\.example\.com +, but it is not verified: any program on this computer/);
  });

  it('shows a document’s host in ASCII, so that two that differ look different', async () => {
    expect(await provenance({ source: { kind: 'document', host: 'ex\u0430mple.com' } })).toContain('ex%D0%B0mple.com');
  });

  it('names the person where another one than before came back', async () => {
    const html = await render({ person: { name: 'Grace\u202E Hopper', email: 'grace@example.com' } });
    expect(html).toMatch(/signed in as.*<bdi>Grace Hopper<\/bdi>.*<bdi>grace@example\.com<\/bdi>/s);
    expect(html).not.toContain('sign in with Microsoft');
    expect(await render({ person: { email: 'grace@example.com' } })).toContain('<bdi>grace@example.com</bdi>');
    expect(await render({ person: {} })).toContain('somebody without a name');
    expect(await render()).not.toContain('signed in as');
    expect(await render()).toContain('sign in with Microsoft');
  });

  it('PX-65: cannot be framed', () => {
    const response = consentPage(consent);
    expect(response.headers.get('x-frame-options')).toBe('DENY');
    expect(response.headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
  });

  it('posts the sealed request and a decision', async () => {
    const html = await render();
    expect(html).toContain('<form method="post" action="/oauth/consent" autocomplete="off">');
    expect(html).toContain('<input type="hidden" name="request" value="sealed"/>');
    expect(html.match(/<button [^>]*>/g)).toEqual([
      '<button type="submit" class="main" name="decision" value="approve">',
      '<button type="submit" name="decision" value="deny">',
    ]);
  });

  it('makes no link of anything that the client says', async () => {
    const evil = 'javascript:alert(1)';
    const html = await render({
      client: { name: evil, id: evil },
      source: { kind: 'document', host: evil },
      redirectUri: evil,
      redirectHost: evil,
      person: { name: evil, email: evil },
    });
    expect(html.match(/href="[^"]*"/g)).toEqual(['href="data:,"']);
  });

  it('says that a client gave no name, or one that cannot be read', async () => {
    expect(await render({ client: { id: 'c_1' } })).toContain('gave no name');
    expect(await render({ client: { id: 'c_1', name: '\u202E\u200B ' } })).toContain('gave no name');
  });

  it('cuts a name that would push the rest out of sight, and shows a URI whole', async () => {
    const html = await render({
      client: { id: 'c_1', name: 'n'.repeat(5000) },
      redirectUri: `https://a.example/${'p'.repeat(2000)}`,
    });
    expect(html).toContain(`“<bdi>${'n'.repeat(100)}…</bdi>”`);
    expect(html).toContain('p'.repeat(2000));
  });

  it('has something to say when no scope is asked for', async () => {
    const html = await render({ scopes: [] });
    expect(html).not.toContain('<fieldset');
    expect(html).toContain('nothing but that you sign in');
  });
});

describe('the error page', () => {
  const error = { status: 403, title: 'No', what: 'What.', todo: 'Do.', correlationId: 'c0ffee' };

  it('has the status, the code and the number to quote', async () => {
    const response = errorPage({ ...error, detail: 'AADSTS50105' });
    expect(response.status).toBe(403);
    expect(response.headers.get('retry-after')).toBeNull();
    const html = await response.text();
    expect(html).toContain('<dd>AADSTS50105</dd>');
    expect(html).toContain('<dd>c0ffee</dd>');
    expect(html).not.toContain('<form');
    expect(html).not.toContain('<script');
  });

  it('says in whole seconds when to come again', () => {
    const response = errorPage({ ...error, status: 503, retryAfter: 4.2 });
    expect(response.status).toBe(503);
    expect(response.headers.get('retry-after')).toBe('5');
  });

  it('goes on where the server says', async () => {
    const html = await errorPage({ ...error, action: { href: '/auth/login', label: 'Again' } }).text();
    expect(html).toMatch(/<a class="button main" href="\/auth\/login">\s*Again\s*<\/a>/);
  });
});

describe('the signed-out page', () => {
  it('offers to end Entra’s session by a link, and the applications by a form where it knows whose', async () => {
    const html = await signedOutPage({ entraLogoutUrl: 'https://login.example/logout?a=1&b=2' }).text();
    expect(html).toContain('href="https://login.example/logout?a=1&amp;b=2"');
    expect(html).not.toContain('<form');
    const own = await signedOutPage({ entraLogoutUrl: 'https://login.example/', person: 'sealed' }).text();
    expect(own).toContain('<input type="hidden" name="person" value="sealed"/>');
  });
});

describe('whatever comes from outside', () => {
  /** Text that tries to be markup, to close what it is in, or to hide. */
  const hostile = fc
    .array(
      fc.oneof(
        fc.constantFrom(
          '<input type="checkbox">',
          '<script>',
          '</script>',
          '</textarea>',
          '</title>',
          '</style>',
          '<!--',
          '-->',
          '"',
          "'",
          '<',
          '>',
          '&',
          '&lt;',
          ' onfocus=x ',
          '{',
          '\u202E',
          '\u200B',
          '\0',
          '\n',
        ),
        anyText(),
      ),
      { maxLength: 12 },
    )
    .map(parts => `x${parts.join('')}`);

  /** A page's tags with their attributes' names: all that a text must not be able to change. */
  const skeleton = (html: string) => html.replace(/"[^"]*"/g, '""').match(/<[^>]*>/g);

  async function looksTheSame(make: (text: string) => Response) {
    const harmless = await make('x').text();
    await fc.assert(
      fc.asyncProperty(hostile, async text => {
        const html = await make(text).text();
        expect(skeleton(html)).toEqual(skeleton(harmless));
        expect(html.match(/<input/g)?.length).toBe(harmless.match(/<input/g)?.length);
      }),
    );
  }

  it('is text on the landing page', () =>
    looksTheSame(text =>
      landingPage({
        ...signedIn,
        serverName: text,
        person: { name: text, email: text },
        notice: text,
        others: [{ name: text, mcpUrl: 'https://mcp.example/wiki/mcp' }],
        scriptTokens: {
          ...signedIn.scriptTokens,
          csrf: text,
          issued: { token: text, expiresAt: new Date(0), scopes: [text], grantId: text },
          active: [{ grantId: text, scopes: [text], issuedAt: new Date(0), expiresAt: new Date(0) }],
        },
      }),
    ));

  it('is text on the consent page', () =>
    looksTheSame(text =>
      consentPage({
        client: { name: text, id: text },
        source: { kind: 'document', host: text },
        redirectUri: text,
        redirectHost: text,
        opensProgram: true,
        person: { name: text, email: text },
        scopes: [{ scope: text, description: text }],
        request: text,
        action: text,
        resource: text,
      }),
    ));

  it('is text on the error page', () =>
    looksTheSame(text =>
      errorPage({
        status: 400,
        title: text,
        what: text,
        todo: text,
        correlationId: text,
        detail: text,
        action: { href: text, label: text },
      }),
    ));

  it('is shown without what cannot be seen', async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async text => {
        const shown = [
          landingPage({ ...signedIn, person: { name: text, email: text } }),
          consentPage({
            ...consent,
            client: { name: text, id: text },
            source: { kind: 'document', host: text },
            redirectUri: text,
            redirectHost: text,
          }),
          errorPage({ status: 400, title: 'No', what: text, todo: text, correlationId: 'c', detail: text }),
        ];
        for (const response of shown) {
          expect(await response.text()).not.toMatch(/[\p{Bidi_Control}\0\u200B-\u200D\u2060\uFEFF]/u);
        }
      }),
    );
  });
});
