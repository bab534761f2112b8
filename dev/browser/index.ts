/**
 * A browser without a screen: follows redirects, keeps cookies, reads and sends forms, with the headers that a browser
 * sends. The demo and the tests sign in with it through the pages that people see.
 */
import { CookieJar } from './cookies.ts';
import { type Field, type Form, readForms } from './html.ts';

export type { Field, Form } from './html.ts';

export interface Page {
  /** Where the browser is; of a page that was not opened because of `stopAt`, its address. */
  url: string;
  status: number;
  headers: Headers;
  html: string;
  forms: Form[];
}

export interface Navigation {
  /** Redirects to such a URL are not followed: the page then has that URL, and status 0. */
  stopAt?: (url: string) => boolean;
}

export interface Submission extends Navigation {
  /**
   * The button to press, as `name=value`, or a hidden field of its form where the button has no name; of the first form
   * that has one like it. Absent: the first button of the page.
   */
  button?: string;
  /** Fields to send in place of those of the same name; `undefined` leaves a field out, a list sends it several times. */
  fields?: Record<string, string | readonly string[] | undefined>;
}

const MOST_REDIRECTS = 20;

/** The first request of a navigation. */
interface Start {
  url: URL;
  /** The page that leads there; absent when the address was typed. */
  from?: URL;
  /** What its post says of it. */
  origin?: string;
  /** The form; absent for a GET. */
  body?: string;
}

export class Browser {
  readonly cookies: CookieJar;

  /** @param now milliseconds since 1970, for the age of cookies */
  constructor(now: () => number = Date.now) {
    this.cookies = new CookieJar(now);
  }

  /** Opens a page as if its address had been typed. */
  open(url: string, navigation: Navigation = {}): Promise<Page> {
    return this.#go({ url: new URL(url) }, navigation);
  }

  /**
   * Presses a button of a page.
   * @throws Error when the page has no such button
   */
  submit(page: Page, { button, fields = {}, stopAt }: Submission = {}): Promise<Page> {
    const isNamed = (each: Field) => `${each.name}=${each.value}` === button;
    const wanted = (form: Form) =>
      button && !form.fields.some(isNamed) ? form.buttons.find(isNamed) : form.buttons[0];
    const form = page.forms.find(wanted);
    const pressed = form && wanted(form);
    if (!form || !pressed) {
      throw new Error(`The page at ${page.url} (${page.status}) has no button ${button ?? ''}: ${textOf(page.html)}`);
    }
    const sent = new URLSearchParams();
    for (const { name, value } of form.fields) if (!Object.hasOwn(fields, name)) sent.append(name, newlines(value));
    for (const [name, values] of Object.entries(fields))
      for (const value of [values ?? []].flat()) sent.append(name, newlines(value));
    if (pressed.name) sent.append(pressed.name, pressed.value);

    const action = new URL(form.action);
    const from = new URL(page.url);
    const navigation = stopAt ? { stopAt } : {};
    if (form.method === 'GET') {
      action.search = sent.toString();
      return this.#go({ url: action, from }, navigation);
    }
    // A page that sends no referrer says that its origin is null (Fetch standard, "append a request Origin header").
    const origin = page.headers.get('referrer-policy') === 'no-referrer' ? 'null' : from.origin;
    return this.#go({ url: action, from, origin, body: sent.toString() }, navigation);
  }

  async #go(start: Start, { stopAt }: Navigation): Promise<Page> {
    const { from } = start;
    let { url, origin, body } = start;
    let site: Site | undefined = from && siteOf(from, url);
    for (let redirects = 0; redirects <= MOST_REDIRECTS; redirects++) {
      if (stopAt?.(url.href)) return { url: url.href, status: 0, headers: new Headers(), html: '', forms: [] };
      const cookie = this.cookies.header(url, site === 'cross-site', body !== undefined);
      const response = await fetch(url, {
        redirect: 'manual',
        method: body === undefined ? 'GET' : 'POST',
        ...(body === undefined ? {} : { body }),
        headers: {
          accept: 'text/html,application/xhtml+xml',
          'sec-fetch-site': site ?? 'none',
          // Sec-Fetch-Mode would be navigate, but fetch always says cors.
          'sec-fetch-dest': 'document',
          ...(cookie ? { cookie } : {}),
          ...(body === undefined ? {} : { 'content-type': 'application/x-www-form-urlencoded' }),
          ...(body !== undefined && origin ? { origin } : {}),
        },
      });
      this.cookies.store(url, response.headers.getSetCookie());
      const location = response.headers.get('location');
      if (response.status < 300 || response.status > 399 || location === null) {
        const html = await response.text();
        return {
          url: url.href,
          status: response.status,
          headers: response.headers,
          html,
          forms: readForms(html, url.href),
        };
      }
      await response.body?.cancel();
      const next = new URL(location, url);
      // 307 and 308 repeat the post; all others go on with a GET.
      if (response.status !== 307 && response.status !== 308) body = undefined;
      if (from && site) {
        // Both headers remember where the redirects led through (Fetch Metadata section 2.4; Fetch, "HTTP-redirect fetch").
        site = farther(site, siteOf(from, next));
        if (next.origin !== url.origin && url.origin !== from.origin) origin = 'null';
      }
      url = next;
    }
    throw new Error(`More than ${MOST_REDIRECTS} redirects from ${start.url.origin}${start.url.pathname}.`);
  }
}

/** What a page says, without its tags: for messages and assertions. */
export function textOf(html: string): string {
  return html
    .replace(/<(style|script|title)\b.*?<\/\1>/gs, ' ')
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim();
}

/** As forms send them (HTML standard, "constructing the entry list" for URL-encoded forms). */
const newlines = (value: string) => value.replace(/\r\n?|\n/g, '\r\n');

type Site = 'same-origin' | 'same-site' | 'cross-site';
const SITES: readonly Site[] = ['same-origin', 'same-site', 'cross-site'];

/** `Sec-Fetch-Site` (Fetch Metadata): a site is a scheme and a registrable domain, here the host, whatever the port. */
function siteOf(from: URL, to: URL): Site {
  if (from.origin === to.origin) return 'same-origin';
  return from.protocol === to.protocol && from.hostname === to.hostname ? 'same-site' : 'cross-site';
}

function farther(a: Site, b: Site): Site {
  return SITES.indexOf(a) > SITES.indexOf(b) ? a : b;
}
