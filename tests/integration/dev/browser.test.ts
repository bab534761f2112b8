import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type OutgoingHttpHeaders, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { CookieJar } from '../../../dev/browser/cookies.ts';
import { Browser, type Page, textOf } from '../../../dev/browser/index.ts';

interface Received {
  method: string;
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

interface Answer {
  status?: number;
  headers?: OutgoingHttpHeaders;
  html?: string;
}

/** A site that answers as it is told, and keeps what it received. */
class Site {
  readonly received: Received[] = [];
  readonly answers = new Map<string, Answer>();
  readonly #server: Server = createServer(async (req, res) => {
    this.received.push({
      method: req.method ?? '',
      path: req.url ?? '',
      headers: req.headers,
      body: await text(req),
    });
    const {
      status = 200,
      headers = {},
      html = '',
    } = this.answers.get(new URL(req.url ?? '', this.origin).pathname) ?? {};
    res.writeHead(status, { 'content-type': 'text/html', ...headers }).end(html);
  });

  async listen(): Promise<void> {
    await once(this.#server.listen(0, '127.0.0.1'), 'listening');
  }

  /** As `localhost`; as another host, and so another site, by its number. */
  get origin() {
    return `http://localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  get byNumber() {
    return this.origin.replace('localhost', '127.0.0.1');
  }

  last(): Received {
    const last = this.received.at(-1);
    if (!last) throw new Error('Nothing was received.');
    return last;
  }

  reset(): void {
    this.received.length = 0;
    this.answers.clear();
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const [site, other] = [new Site(), new Site()];
beforeAll(() => Promise.all([site.listen(), other.listen()]));
afterAll(() => {
  site.close();
  other.close();
});
afterEach(() => {
  site.reset();
  other.reset();
});

const redirect = (location: string, status = 302): Answer => ({ status, headers: { location } });
const form = (action: string, inside = '', method = 'post'): Answer => ({
  html: `<form method="${method}" action="${action}">${inside}<button>Send</button></form>`,
});

/** A browser on the page at `/` of the first site. */
async function on(page: Answer): Promise<{ browser: Browser; page: Page }> {
  const browser = new Browser();
  site.answers.set('/', page);
  return { browser, page: await browser.open(`${site.origin}/`) };
}

describe('cookies', () => {
  const at = new URL('http://localhost:1/app/page');
  const sent = (cookie: string, to: string, crossSite = false, post = false) => {
    const jar = new CookieJar();
    jar.store(at, [cookie]);
    return jar.header(new URL(to), crossSite, post);
  };

  test.each([
    ['are sent back', 'a=b; Path=/', 'http://localhost:1/', 'a=b'],
    ['keep what stands after the first =', 'a=b=c==; Path=/', 'http://localhost:1/', 'a=b=c=='],
    ['are of a host, whatever the port', 'a=b; Path=/', 'http://localhost:2/', 'a=b'],
    ['are not of another name of this computer', 'a=b; Path=/', 'http://127.0.0.1:1/', ''],
    ['are of a path and below', 'a=b; Path=/app', 'http://localhost:1/app/below', 'a=b'],
    ['are of a path with or without a slash', 'a=b; Path=/app/', 'http://localhost:1/app/', 'a=b'],
    ['are not of a path that begins alike', 'a=b; Path=/app', 'http://localhost:1/apple', ''],
    ['are of the page’s folder without a path', 'a=b', 'http://localhost:1/app/other', 'a=b'],
    ['are not of the folder above it', 'a=b', 'http://localhost:1/', ''],
    ['without a name are dropped', '=b; Path=/', 'http://localhost:1/', ''],
    ['that are none are dropped', 'nonsense', 'http://localhost:1/app/', ''],
    ['with __Host- need Secure', '__Host-a=b; Path=/', 'http://localhost:1/', ''],
    ['with __Host- need the path /', '__Host-a=b; Secure; Path=/app', 'http://localhost:1/app', ''],
    ['with __Host- need no domain', '__Host-a=b; Secure; Path=/; Domain=localhost', 'http://localhost:1/', ''],
    ['with __Host- are sent then', '__Host-a=b; Secure; Path=/', 'http://localhost:1/', '__Host-a=b'],
    ['with __Secure- need Secure', '__Secure-a=b; Path=/', 'http://localhost:1/', ''],
    ['with SameSite=None need Secure', 'a=b; Path=/; SameSite=None', 'http://localhost:1/', ''],
  ])('%s', (_what, cookie, to, expected) => {
    expect(sent(cookie, to)).toBe(expected);
  });

  test('that are Secure go by https and on loopback only, and are taken there only', () => {
    const jar = new CookieJar();
    const [secure, plain] = [new URL('https://app.example/'), new URL('http://app.example/')];
    jar.store(secure, ['a=b; Secure']);
    expect(jar.header(secure, false)).toBe('a=b');
    expect(jar.header(plain, false)).toBe('');
    jar.store(plain, ['c=d; Secure']);
    expect(jar.header(secure, false)).toBe('a=b');
    expect(sent('a=b; Secure; Path=/', 'http://localhost:1/')).toBe('a=b');
  });

  test.each([
    ['Strict', { sameSite: 'a=b', link: '', post: '' }],
    ['Lax', { sameSite: 'a=b', link: 'a=b', post: '' }],
    ['None; Secure', { sameSite: 'a=b', link: 'a=b', post: 'a=b' }],
    [undefined, { sameSite: 'a=b', link: 'a=b', post: '' }],
  ])('SameSite=%s', (value, expected) => {
    const cookie = `a=b; Path=/${value === undefined ? '' : `; SameSite=${value}`}`;
    const to = 'http://localhost:1/';
    expect({
      sameSite: sent(cookie, to, false, true),
      link: sent(cookie, to, true, false),
      post: sent(cookie, to, true, true),
    }).toEqual(expected);
  });

  test('end with their age, and Max-Age counts more than Expires', () => {
    let now = Date.UTC(2030, 0, 1);
    const jar = new CookieJar(() => now);
    jar.store(at, [
      'short=1; Path=/; Max-Age=60',
      'dated=1; Path=/; Expires=Tue, 01 Jan 2030 00:02:00 GMT',
      'both=1; Path=/; Max-Age=180; Expires=Tue, 01 Jan 2030 00:02:00 GMT',
      'session=1; Path=/',
    ]);
    const names = () => jar.names().sort();
    expect(names()).toEqual(['both', 'dated', 'session', 'short']);
    now += 60_000;
    expect(names()).toEqual(['both', 'dated', 'session']);
    now += 60_000;
    expect(names()).toEqual(['both', 'session']);
    now += 60_000;
    expect(names()).toEqual(['session']);
    expect(jar.header(at, false)).toBe('session=1');
  });

  test('are replaced by name, host and path, taken away by Max-Age=0, and forgotten by a person', () => {
    const jar = new CookieJar();
    jar.store(at, ['a=1; Path=/', 'a=2; Path=/', 'a=3; Path=/app', 'b=4; Path=/']);
    expect(jar.header(at, false)).toBe('a=2; a=3; b=4');
    jar.store(at, ['b=; Path=/; Max-Age=0']);
    expect(jar.header(at, false)).toBe('a=2; a=3');
    jar.forget('a');
    expect(jar.header(at, false)).toBe('');
  });

  test('set by a redirect are sent to where it leads', async () => {
    const headers = { location: '/in', 'set-cookie': ['a=1; Path=/', 'b=2; Path=/elsewhere', 'c=3; Path=/'] };
    site.answers.set('/', { status: 302, headers });
    await new Browser().open(site.origin);
    expect(site.last().headers.cookie).toBe('a=1; c=3');
  });

  test('are another browser’s own', async () => {
    site.answers.set('/', { headers: { 'set-cookie': 'a=1' } });
    await new Browser().open(site.origin);
    await new Browser().open(site.origin);
    expect(site.last().headers.cookie).toBeUndefined();
  });
});

describe('redirects', () => {
  test.each([301, 302, 303])('%d makes a post a GET without its form', async status => {
    const { browser, page } = await on(form('/post', '<input name="a" value="b">'));
    site.answers.set('/post', redirect('/next', status));
    const next = await browser.submit(page);
    expect(next.url).toBe(`${site.origin}/next`);
    expect(site.last()).toMatchObject({ method: 'GET', path: '/next', body: '' });
    expect(site.last().headers).not.toHaveProperty('origin');
    expect(site.last().headers).not.toHaveProperty('content-type');
  });

  test.each([307, 308])('%d posts the form again', async status => {
    const { browser, page } = await on(form('/post', '<input name="a" value="b">'));
    site.answers.set('/post', redirect('/next', status));
    await browser.submit(page);
    expect(site.last()).toMatchObject({ method: 'POST', path: '/next', body: 'a=b' });
    expect(site.last().headers.origin).toBe(site.origin);
  });

  test('end, if they go in a circle', async () => {
    site.answers.set('/', redirect('/'));
    await expect(new Browser().open(`${site.origin}/?code=secret`)).rejects.toThrow(
      `More than 20 redirects from ${site.origin}/.`,
    );
    expect(site.received).toHaveLength(21);
  });

  test('stop at an address, which is not opened', async () => {
    site.answers.set('/', redirect(`${other.origin}/callback?code=1`));
    const page = await new Browser().open(site.origin, { stopAt: url => url.startsWith(`${other.origin}/callback`) });
    expect(page).toMatchObject({ url: `${other.origin}/callback?code=1`, status: 0, forms: [] });
    expect(other.received).toEqual([]);
  });

  test('of a form stop too, and before the form is sent', async () => {
    const { browser, page } = await on(form(`${other.origin}/callback`));
    expect((await browser.submit(page, { stopAt: url => url.startsWith(other.origin) })).status).toBe(0);
    expect(other.received).toEqual([]);
  });

  test('without a place are pages', async () => {
    site.answers.set('/', { status: 304 });
    expect((await new Browser().open(site.origin)).status).toBe(304);
  });
});

describe('what a browser says of itself', () => {
  const said = ({ headers }: Received) => [headers['sec-fetch-site'], headers.origin];

  test('none for an address that was typed, wherever it leads', async () => {
    site.answers.set('/', redirect(`${other.byNumber}/`));
    await new Browser().open(site.origin);
    expect(said(site.last())).toEqual(['none', undefined]);
    expect(said(other.last())).toEqual(['none', undefined]);
    expect(other.last().headers['sec-fetch-dest']).toBe('document');
  });

  test.each([
    ['same-origin', () => `${site.origin}/to`, site],
    ['same-site', () => `${other.origin}/to`, other],
    ['cross-site', () => `${other.byNumber}/to`, other],
  ] as const)('%s for a form, with the page’s origin', async (expected, action, receiver) => {
    const { browser, page } = await on(form(action()));
    await browser.submit(page);
    expect(said(receiver.last())).toEqual([expected, site.origin]);
  });

  test('no origin for a form that is a GET', async () => {
    const { browser, page } = await on(form('/to?old=1', '<input name="q" value="a b">', 'get'));
    await browser.submit(page);
    expect(said(site.last())).toEqual(['same-origin', undefined]);
    expect(site.last().path).toBe('/to?q=a+b');
  });

  test('null for a page that sends no referrer', async () => {
    const { browser, page } = await on({ ...form('/to'), headers: { 'referrer-policy': 'no-referrer' } });
    await browser.submit(page);
    expect(said(site.last())).toEqual(['same-origin', 'null']);
  });

  test('a form that comes back over another site is cross-site, over another origin same-site', async () => {
    const { browser, page } = await on(form(`${other.byNumber}/over`));
    other.answers.set('/over', redirect(`${site.origin}/back`, 307));
    await browser.submit(page);
    expect(said(site.last())).toEqual(['cross-site', 'null']);

    const near = await on(form(`${other.origin}/over`));
    await near.browser.submit(near.page);
    expect(said(site.last())).toEqual(['same-site', 'null']);
  });

  test('a form that is sent on from its own origin is of its page still', async () => {
    const { browser, page } = await on(form('/over'));
    site.answers.set('/over', redirect(`${other.origin}/to`, 307));
    await browser.submit(page);
    expect(said(other.last())).toEqual(['same-site', site.origin]);
  });

  test('a post from another site brings no Lax cookie, the GET that it is redirected to does', async () => {
    const { browser, page } = await on(form(`${other.byNumber}/post`));
    const cookies = ['lax=1; Path=/', 'strict=1; Path=/; SameSite=Strict', 'none=1; Path=/; SameSite=None; Secure'];
    other.answers.set('/', { headers: { 'set-cookie': cookies } });
    await browser.open(`${other.byNumber}/`);
    other.answers.set('/post', redirect('/next', 303));
    await browser.submit(page);
    expect(other.received.slice(-2).map(({ headers }) => headers.cookie)).toEqual(['none=1', 'lax=1; none=1']);
  });
});

describe('forms', () => {
  const sent = async (inside: string, submission?: Parameters<Browser['submit']>[1]) => {
    const { browser, page } = await on(form('/to', inside));
    await browser.submit(page, submission);
    return [...new URLSearchParams(site.last().body)];
  };

  test('send what stands in them, and what is ticked', async () => {
    const inside = `
      <input type="hidden" name="hidden" value="1"><input name='text' value='2' /><input name=bare value=3>
      <input name="empty"><input value="without a name"><input name="off" value="4" disabled>
      <input type="checkbox" name="box" value="ticked" checked><input type="checkbox" name="box" value="not">
      <input type="checkbox" name="plain" checked>
      <input type="radio" name="which" value="this" checked><input type="radio" name="which" value="that">
      <input type="submit" name="s" value="5"><input type="button" name="b" value="6"><input type="reset" name="r">
      <textarea name="note">\nfirst &amp; second\nline</textarea><textarea name="gone" disabled>x</textarea>`;
    expect(Object.fromEntries(await sent(inside))).toEqual({
      hidden: '1',
      text: '2',
      bare: '3',
      empty: '',
      box: 'ticked',
      plain: 'on',
      which: 'this',
      note: 'first & second\r\nline',
    });
  });

  test('read entities once', async () => {
    const value = '&quot;&#39;&#x27;&apos;&lt;&gt;&amp;amp; &amp;lt; &unknown; &';
    expect(await sent(`<input name="a" value="${value}">`)).toEqual([['a', `"'''<>&amp; &lt; &unknown; &`]]);
    const { page } = await on(form('/to?a=1&amp;b=2'));
    expect(page.forms[0]?.action).toBe(`${site.origin}/to?a=1&b=2`);
  });

  test('take fields in place of theirs, leave some out, and send one several times', async () => {
    const inside = '<input name="a" value="1"><input name="b" value="2"><input name="c" value="3">';
    const fields = { a: 'x', b: undefined, d: ['4', '5'] };
    expect(await sent(inside, { fields })).toEqual([
      ['c', '3'],
      ['a', 'x'],
      ['d', '4'],
      ['d', '5'],
    ]);
  });

  test('send the pressed button alone, by its name and value or by a hidden field of its form', async () => {
    const html = `
      <form method="post" action="/one"><button type="button" name="no" value="1">No</button>
        <button name="who" value="ada">Ada</button><button name="who" value="grace">Grace</button>
        <button name="who" value="off" disabled>Off</button></form>
      <form method="post" action="/two"><input type="hidden" name="grant" value="7"><button>End</button></form>`;
    const { browser, page } = await on({ html });
    await browser.submit(page, { button: 'who=grace' });
    expect(site.last()).toMatchObject({ path: '/one', body: 'who=grace' });
    await browser.submit(page, { button: 'grant=7' });
    expect(site.last()).toMatchObject({ path: '/two', body: 'grant=7' });
    await browser.submit(page);
    expect(site.last()).toMatchObject({ path: '/one', body: 'who=ada' });
    expect(site.last().headers['content-type']).toBe('application/x-www-form-urlencoded');
    for (const button of ['no=1', 'who=off', 'who=eve'])
      expect(() => browser.submit(page, { button })).toThrow(`has no button ${button}: No Ada Grace Off End`);
  });

  test('without an action go to their page', async () => {
    const { page } = await on({ html: '<form><button>Go</button></form>' });
    expect(page.forms).toEqual([
      { action: `${site.origin}/`, method: 'GET', fields: [], buttons: [{ name: '', value: '' }] },
    ]);
  });
});

test('what a page says is its text, without styles, scripts and tags', () => {
  const html = '<title>T</title><style>p {}</style><script>x()</script><p>One <b>two</b>\n three</p>';
  expect(textOf(html)).toBe('One two three');
});
