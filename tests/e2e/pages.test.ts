import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { CHROMIUM_FLAGS, findChromium } from '../support/chromium.ts';
import { PAGES } from '../support/pages.ts';

const executablePath = findChromium();
const names = Object.keys(PAGES);

type AxeResults = Awaited<ReturnType<AxeBuilder['analyze']>>;

/** What a browser sent with a form. */
interface Posted {
  path: string;
  fields: [string, string][];
  headers: Record<string, string | undefined>;
}

/**
 * A site that shows each page under `/<its name>`, keeps what is posted to it
 * and answers a post with `answer`'s redirect.
 */
class Site {
  readonly posted: Posted[] = [];
  /** Where a post is redirected to; a page that says "done" when not set. */
  answer: string | undefined;
  /** Pages of the test's own, by path. */
  readonly own = new Map<string, string>();
  readonly #server: Server;

  constructor() {
    this.#server = createServer(async (request, response) => {
      const path = decodeURIComponent(request.url ?? '/').slice(1);
      if (request.method === 'POST') {
        let body = '';
        for await (const chunk of request.setEncoding('latin1')) body += chunk;
        const { origin, 'sec-fetch-site': site, referer, 'content-type': type } = request.headers;
        const headers = { origin, 'sec-fetch-site': String(site), referer, 'content-type': type };
        this.posted.push({ path: `/${path}`, fields: [...new URLSearchParams(body)], headers });
        response.writeHead(this.answer ? 303 : 200, this.answer ? { location: this.answer } : {}).end('done');
        return;
      }
      const page = PAGES[path]?.();
      if (!page) {
        const own = this.own.get(`/${path}`);
        response.writeHead(own === undefined ? 404 : 200, { 'content-type': 'text/html' }).end(own);
        return;
      }
      response.writeHead(page.status, Object.fromEntries(page.headers)).end(Buffer.from(await page.arrayBuffer()));
    });
  }

  listen(): Promise<void> {
    return new Promise(resolve => this.#server.listen(0, '127.0.0.1', resolve));
  }

  /** @param host two names of this computer are two sites to a browser */
  url(path: string, host = '127.0.0.1'): string {
    return `http://${host}:${(this.#server.address() as AddressInfo).port}/${encodeURIComponent(path)}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

describe.skipIf(!executablePath)('the pages in Chromium', { timeout: 60_000 }, () => {
  let browser: Browser;
  let site: Site;
  let client: Site;
  const contexts: BrowserContext[] = [];

  beforeAll(async () => {
    browser = await chromium.launch({ ...(executablePath ? { executablePath } : {}), args: CHROMIUM_FLAGS });
    site = new Site();
    client = new Site();
    await Promise.all([site.listen(), client.listen()]);
  });

  afterEach(async () => {
    await Promise.all(contexts.splice(0).map(context => context.close()));
    site.posted.length = 0;
    site.answer = undefined;
  });

  afterAll(async () => {
    await browser?.close();
    site?.close();
    client?.close();
  });

  /** A new page in a context of its own, and what it complains about or asks for. */
  async function open(options: Parameters<Browser['newContext']>[0] = {}) {
    const context = await browser.newContext(options);
    contexts.push(context);
    const page = await context.newPage();
    const complaints: string[] = [];
    const requests: string[] = [];
    page.on('console', message => complaints.push(message.text()));
    page.on('pageerror', error => complaints.push(String(error)));
    page.on('request', request => requests.push(request.url()));
    return { context, page, complaints, requests };
  }

  const overflow = (page: Page) =>
    page.evaluate('document.documentElement.scrollWidth - document.documentElement.clientWidth');

  it('axe finds nothing, nothing overflows, nothing else is asked for: light and wide, dark and narrow', async () => {
    const { page, complaints, requests } = await open({ reducedMotion: 'reduce' });
    const isFit = async (name: string, { violations, passes }: AxeResults) => {
      expect(violations.map(({ id, nodes }) => [name, id, ...nodes.map(node => node.html)])).toEqual([]);
      expect(passes.map(({ id }) => id)).toContain('color-contrast');
      expect(await overflow(page), name).toBe(0);
    };
    // Of what passes one element a rule is enough.
    const options = { resultTypes: ['violations' as const], iframes: false };
    // Colours do not depend on the width, nor does what overflows on colours: two looks are as good as four.
    for (const name of names) {
      await page.setViewportSize({ width: 1280, height: 700 });
      await page.emulateMedia({ colorScheme: 'light' });
      await page.goto(site.url(name));
      await page.evaluate("for (const each of document.querySelectorAll('details')) each.open = true");
      await isFit(name, await new AxeBuilder({ page }).setLegacyMode().options(options).analyze());
      await page.setViewportSize({ width: 320, height: 700 });
      await page.emulateMedia({ colorScheme: 'dark' });
      // It is in the page since then.
      await isFit(name, (await page.evaluate(`axe.run(${JSON.stringify(options)})`)) as AxeResults);
    }
    expect(requests.filter(url => url !== 'data:,')).toEqual(names.map(name => site.url(name)));
    expect(complaints.filter(text => !text.includes('Failed to load resource'))).toEqual([]);
  });

  it('shows the same without JavaScript, but for the copy buttons', async () => {
    const viewport = { width: 320, height: 700 };
    const { page, complaints } = await open({ viewport, javaScriptEnabled: false });
    for (const name of names) {
      await page.goto(site.url(name));
      expect(await page.locator('h1').isVisible(), name).toBe(true);
      for (const summary of await page.locator('summary').all()) await summary.click();
      for (const button of await page.locator('button').all()) {
        expect(await button.isVisible()).toBe((await button.getAttribute('data-copy')) === null);
      }
      expect(await overflow(page), name).toBe(0);
    }
    expect(complaints.filter(text => !text.includes('Failed to load resource'))).toEqual([]);
  });

  describe('copying', () => {
    it('copies the token, the URL and each client’s line', async () => {
      const { context, page } = await open();
      await context.grantPermissions(['clipboard-read', 'clipboard-write']);
      await page.goto(site.url('landing, token issued'));
      await page.getByText('Add it to').click();
      const buttons = await page.locator('[data-copy]').all();
      expect(buttons).toHaveLength(6);
      for (const button of buttons) {
        const id = await button.getAttribute('data-copy');
        const field = page.locator(`#${id}`);
        const text = await field.evaluate(element =>
          'value' in element ? String(element.value) : (element.textContent ?? ''),
        );
        await button.click();
        await expect.poll(() => button.innerText()).toContain('Copied');
        expect(await page.locator(`[data-copy="${id}"] + [role=status]`).innerText()).toBe('Copied');
        expect(await page.evaluate('navigator.clipboard.readText()')).toBe(text);
      }
    });

    it('selects the text where the clipboard refuses', async () => {
      const { page } = await open();
      await page.addInitScript('navigator.clipboard.writeText = () => Promise.reject(new Error("refused"))');
      await page.goto(site.url('landing, nobody'));
      await page.locator('[data-copy=mcp-url]').click();
      await expect.poll(() => page.locator('[data-copy=mcp-url]').innerText()).toContain('Press Ctrl+C');
      expect(await page.evaluate('getSelection().toString()')).toBe('https://notes.example.com/mcp');
      await page.getByText('Add it to').click();
      await page.locator('[data-copy=mcp-3]').click();
      await expect
        .poll(() => page.evaluate('getSelection().toString()'))
        .toBe('codex mcp add entra-notes --url https://notes.example.com/mcp');
    });
  });

  describe.each([true, false])('forms, JavaScript %s', javaScriptEnabled => {
    let page: Page;
    beforeAll(async () => {
      page = await browser.newPage({ javaScriptEnabled });
    });
    afterAll(() => page.close());

    /** Shows a page, presses a button on it, and gives what was posted. */
    async function press(name: string, button: string, before: () => Promise<void> = async () => {}) {
      await page.goto(site.url(name));
      await before();
      await page.getByRole('button', { name: button, exact: true }).first().click();
      await page.getByText('done').waitFor();
      expect(site.posted).toHaveLength(1);
      return site.posted[0];
    }

    it('approves what is left ticked', async () => {
      const posted = await press('consent', 'Approve', () => page.getByLabel('Save and delete notes').uncheck());
      expect(posted?.path).toBe('/oauth/consent');
      expect(posted?.fields).toEqual([
        ['request', 'sealed-request'],
        ['scope', 'profile'],
        ['scope', 'notes:read'],
        ['scope', 'offline_access'],
        ['decision', 'approve'],
      ]);
    });

    it('denies', async () => {
      const posted = await press('consent', 'Deny');
      expect(posted?.fields).toContainEqual(['request', 'sealed-request']);
      expect(posted?.fields).toContainEqual(['decision', 'deny']);
      expect(posted?.fields).not.toContainEqual(['decision', 'approve']);
    });

    it('issues a token with the chosen scopes', async () => {
      const posted = await press('landing, signed in', 'Issue a token', () => page.getByLabel('See your').uncheck());
      expect(posted?.path).toBe('/');
      expect(posted?.fields).toEqual([
        ['action', 'issue-token'],
        ['csrf', 'csrf-value'],
        ['scope', 'notes:read'],
        ['scope', 'notes:write'],
      ]);
    });

    it('ends a token', async () => {
      const posted = await press('landing, signed in long ago', 'End');
      expect(posted?.path).toBe('/');
      expect(posted?.fields).toEqual([
        ['action', 'end-token'],
        ['grant_id', 'grant-2'],
        ['csrf', 'csrf-value'],
      ]);
    });

    it('signs out', async () => {
      const posted = await press('landing, tokens off', 'Sign out');
      expect(posted?.path).toBe('/auth/logout');
      expect(posted?.fields).toEqual([['csrf', 'csrf-value']]);
    });

    it.each([
      ['account', 'End', ['action', 'end-grant'], ['grant_id', 'grant-1']],
      ['account', 'End all', ['action', 'end-all']],
      ['account', 'Download', ['action', 'export']],
      ['account, worst case', 'Delete this note for good', ['action', 'delete-note'], ['note_id', 'note-1']],
      ['account, deletion', 'Delete everything', ['action', 'delete-everything']],
    ])('%s: %s', async (name, button, ...fields) => {
      const posted = await press(name, button, async () => {
        if (button.includes('note')) await page.getByText('Delete', { exact: true }).first().click();
      });
      expect(posted?.path).toBe('/account');
      expect(posted?.fields).toEqual([...fields, ['csrf', 'csrf-value']]);
    });

    it('is told from another site’s form by Sec-Fetch-Site, for the referrer policy makes Origin "null"', async () => {
      const posted = await press('consent', 'Approve');
      expect(posted?.headers).toEqual({
        'content-type': 'application/x-www-form-urlencoded',
        'sec-fetch-site': 'same-origin',
        origin: 'null',
        referer: undefined,
      });
    });
  });

  describe('the way back to the client', () => {
    it('is open from the consent page, whose form may end at any redirect URI', async () => {
      site.answer = client.url('callback');
      client.own.set('/callback', 'back at the client');
      const { page } = await open();
      await page.goto(site.url('consent'));
      await page.getByRole('button', { name: 'Approve' }).click();
      await page.getByText('back at the client').waitFor();
      expect(page.url()).toBe(client.url('callback'));
    });

    it('is shut on the landing page, whose forms stay on this origin', async () => {
      site.answer = client.url('callback');
      const { page, complaints } = await open();
      await page.goto(site.url('landing, tokens off'));
      await page.getByRole('button', { name: 'Sign out' }).click();
      await expect.poll(() => complaints.join()).toContain('form-action');
      expect(page.url()).not.toContain(client.url('callback'));
    });

    it('leaves a client that opened a pop-up in touch with it', async () => {
      client.own.set(
        '/app',
        `<button onclick="window.open('${site.url('consent', 'localhost')}')">Connect</button>
        <output></output><script>onmessage = event => { document.querySelector('output').value = event.data }</script>`,
      );
      client.own.set('/callback', '<script>opener.postMessage("signed in", "*")</script>');
      site.answer = client.url('callback');
      const { page } = await open();
      await page.goto(client.url('app'));
      const popup = page.waitForEvent('popup');
      await page.getByRole('button', { name: 'Connect' }).click();
      await (await popup).getByRole('button', { name: 'Approve' }).click();
      await page.getByText('signed in').waitFor();
    });
  });

  it('PX-65: shows no page in a frame', async () => {
    client.own.set('/frame', `<iframe src="${site.url('consent')}"></iframe>`);
    const { page, complaints } = await open();
    await page.goto(client.url('frame'));
    await expect.poll(() => complaints.join()).toContain('frame-ancestors');
    expect(site.posted).toEqual([]);
  });

  it('is walked by keyboard in the order it is read, each stop to be seen', async () => {
    const { page } = await open();
    await page.goto(site.url('consent'));
    const stops: string[] = [];
    for (let stop = 0; stop < 6; stop++) {
      await page.keyboard.press('Tab');
      stops.push(
        await page.evaluate(
          'document.activeElement.value + " " + getComputedStyle(document.activeElement).outlineStyle',
        ),
      );
    }
    expect(stops).toEqual(
      ['profile', 'notes:read', 'notes:write', 'offline_access', 'approve', 'deny'].map(value => `${value} solid`),
    );
  });
});
