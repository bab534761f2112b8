/** A person at a browser, who approves a client and signs in. */
import { Browser, type Page, textOf } from '../browser/index.ts';
import type { PersonName } from '../entra/people.ts';
import { signInAs } from '../entra/sign-in.ts';

/**
 * Opens the page that a client wants to be shown, approves the client, picks an account at the stand-in, and lets the
 * browser go back to the client.
 * @param tell gets a line for each page and what was done on it
 * @throws Error with the page's own words when one of them is not the page that it should be
 */
export async function approveAndSignIn(url: URL, who: PersonName, tell: (line: string) => void): Promise<void> {
  const browser = new Browser();
  const seen = (page: Page, what: string) => {
    const title = /<title>(.*?)<\/title>/s.exec(page.html)?.[1]?.trim();
    if (page.status !== 200) throw new Error(`The browser sees (${page.status}) ${textOf(page.html)}`);
    tell(`"${title}": ${what}`);
    return page;
  };
  const consent = seen(await browser.open(url.href), 'approves');
  const picker = seen(await browser.submit(consent, { button: 'decision=approve' }), `picks ${who}`);
  seen(await signInAs(browser, picker, who), 'is back at the client');
}
