import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { AxeBuilder } from '@axe-core/playwright';
import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Entra, startEntra } from '../../../dev/entra/index.ts';
import { CHROMIUM_FLAGS, findChromium } from '../../support/chromium.ts';
import { authorizeUrl, type Form, SECRET } from './entra-fixture.ts';

type AxeResults = Awaited<ReturnType<AxeBuilder['analyze']>>;

const executablePath = findChromium();

describe.skipIf(!executablePath)('the pages of the Entra stand-in in Chromium', { timeout: 60_000 }, () => {
  let browser: Browser;
  let entra: Entra;
  /** The application: where people come back to. */
  const application = createServer((_request, response) => response.end('back'));
  let redirectUri: string;
  beforeAll(async () => {
    await once(application.listen(0, '127.0.0.1'), 'listening');
    redirectUri = `http://localhost:${(application.address() as AddressInfo).port}/auth/callback`;
    browser = await chromium.launch({ ...(executablePath ? { executablePath } : {}), args: CHROMIUM_FLAGS });
    entra = await startEntra({ redirectUris: [redirectUri], clientSecret: SECRET });
  });
  afterAll(async () => {
    await browser?.close();
    await entra?.stop();
    application.closeAllConnections();
    application.close();
  });

  const asked = (change: Form = {}) => authorizeUrl(entra, { redirect_uri: redirectUri, ...change });
  const ada = (page: Page) => page.getByRole('button', { name: /Ada Lovelace/ });

  /** Each page, and the way there. */
  const ways: Record<string, (page: Page) => Promise<unknown>> = {
    picker: page => page.goto(asked()),
    'picker with a hint': page => page.goto(asked({ login_hint: entra.people.grace.username })),
    consent: async page => {
      await page.goto(asked({ prompt: 'consent' }));
      await ada(page).click();
    },
    error: page => page.goto(asked({ redirect_uri: `https://attacker.example/${'long'.repeat(50)}` })),
    'signed out': page => page.goto(`${entra.url}/${entra.tenantId}/oauth2/v2.0/logout`),
  };

  it.each(Object.keys(ways))('%s: axe finds nothing, nothing overflows, light or dark, wide or narrow', async name => {
    const page = await browser.newPage();
    const requests: string[] = [];
    page.on('request', request => requests.push(request.url()));
    await ways[name]?.(page);
    // Of what passes one element a rule is enough.
    const options = { resultTypes: ['violations' as const], iframes: false };
    const isFit = ({ violations, passes }: AxeResults) => {
      expect(violations.map(({ id, nodes }) => [id, ...nodes.map(node => node.html)])).toEqual([]);
      expect(passes.map(({ id }) => id)).toContain('color-contrast');
    };
    isFit(await new AxeBuilder({ page }).setLegacyMode().options(options).analyze());
    await page.emulateMedia({ colorScheme: 'dark' });
    // It is in the page since then.
    isFit((await page.evaluate(`axe.run(${JSON.stringify(options)})`)) as AxeResults);
    for (const width of [1280, 320]) {
      await page.setViewportSize({ width, height: 700 });
      const overflow = 'document.documentElement.scrollWidth - document.documentElement.clientWidth';
      expect(await page.evaluate(overflow), `${width} px`).toBe(0);
    }
    expect(requests.filter(url => !url.startsWith(entra.url) && !url.startsWith('data:'))).toEqual([]);
    await page.close();
  });

  it('serve without JavaScript and by keyboard, the hinted account first', async () => {
    const context = await browser.newContext({ javaScriptEnabled: false });
    const page = await context.newPage();
    await page.goto(asked({ login_hint: entra.people.grace.username, prompt: 'consent' }));
    await page.locator('button:focus', { hasText: 'Grace Hopper' }).waitFor();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Permissions requested' }).waitFor();
    expect(await page.locator('main').innerText()).toContain(entra.people.grace.username);
    const arrival = once(application, 'request') as Promise<[IncomingMessage]>;
    await page.getByRole('button', { name: 'Accept' }).click();
    const [{ headers }] = await arrival;
    expect(headers.referer).toBeUndefined();
    await page.waitForURL(url => url.searchParams.has('code'));
    await page.goto(asked({ prompt: 'select_account' }));
    await page.getByRole('button', { name: 'Cancel' }).click();
    await page.waitForURL(url => url.searchParams.get('error') === 'access_denied');
    expect(page.url()).toContain(redirectUri);
    await context.close();
  });
});
