import { type Browser, chromium, type Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startReceiver } from '../../examples/client/loopback.ts';
import { type AppServer, startAppServer } from '../support/app-server.ts';
import { CHROMIUM_FLAGS, findChromium } from '../support/chromium.ts';
import { authorizationUrl, callTool, codeForm, post, register, type Tokens } from '../support/flows.ts';

const executablePath = findChromium();

/** What only a real browser does to a sign-in: its cookies, its CSP, the Origin it sends. */
describe.skipIf(!executablePath)('a sign-in in Chromium', { timeout: 60_000 }, () => {
  let browser: Browser;
  let server: AppServer;

  beforeAll(async () => {
    server = await startAppServer({ instances: 2 });
    browser = await chromium.launch({ ...(executablePath ? { executablePath } : {}), args: CHROMIUM_FLAGS });
  });
  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  async function newPage(javaScriptEnabled: boolean): Promise<Page> {
    const context = await browser.newContext({ javaScriptEnabled });
    const page = await context.newPage();
    page.on('console', message => {
      if (message.type() === 'error') throw new Error(`The page at ${page.url()} says: ${message.text()}`);
    });
    return page;
  }

  it.each([true, false])('leads a client’s person to a code that works (JavaScript: %s)', async javaScript => {
    const receiver = await startReceiver();
    const client = await register(server, { redirect_uris: [receiver.redirectUrl] });
    const asked = authorizationUrl(server, client, { redirect_uri: receiver.redirectUrl });
    const answer = receiver.answerTo(asked.state, 30_000);
    const page = await newPage(javaScript);
    await page.goto(asked.url);
    await page.getByRole('button', { name: /approve|allow|continue/i }).click();
    await page.getByRole('button', { name: /Ada Lovelace/ }).click();
    const code = (await answer).get('code') ?? '';
    const form = { ...codeForm(client, { code, verifier: asked.verifier }), redirect_uri: receiver.redirectUrl };
    const tokens = (await (await post(server, '/oauth/token', form)).json()) as Tokens;
    expect((await callTool(server, tokens.access_token, 'calculate_sum', { numbers: [1] })).status).toBe(200);
    await page.context().close();
    await receiver.close();
  });

  it.each([true, false])(
    'lets a person in, gives a token for scripts, ends it, and signs out (JavaScript: %s)',
    async javaScript => {
      const page = await newPage(javaScript);
      await page.goto(server.origin);
      await page.getByRole('link', { name: 'Sign in with Microsoft' }).click();
      await page.getByRole('button', { name: /Grace Hopper/ }).click();
      await page.waitForURL(`${server.origin}/`);
      expect(await page.textContent('body')).toContain('Grace Hopper');

      await page.getByRole('checkbox', { name: /Save and delete/ }).setChecked(false);
      await page.getByRole('button', { name: 'Issue a token' }).click();
      const token = /eyJ[\w-]+\.[\w-]+\.[\w-]+/.exec(await page.content())?.[0] ?? '';
      expect((await callTool(server, token, 'get_user_notes')).status).toBe(200);
      await page.goto(server.origin);
      await page.getByRole('button', { name: /^End/ }).first().click();
      server.clock.advance(30);
      expect((await callTool(server, token, 'get_user_notes')).status).toBe(401);

      await page.getByRole('button', { name: 'Sign out' }).click();
      expect(await page.textContent('body')).toContain('signed out');
      await page.goto(server.origin);
      expect(await page.textContent('body')).not.toContain('Grace Hopper');
      await page.context().close();
    },
  );
});
