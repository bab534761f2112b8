/** A small browser made of fetch: cookies, redirects, forms, and the headers that browsers add. No JavaScript. */
import { CookieJar } from './cookies.ts';
import { type Form, formsOf, textOf } from './forms.ts';

export type { Button, Field, Form } from './forms.ts';

const MOST_REDIRECTS = 20;

export interface Page {
  status: number;
  /** Where it is, after redirects; where `stopAt` matched, the address that was not visited. */
  url: string;
  headers: Headers;
  html: string;
  /** What a person reads. */
  text: string;
  forms: Form[];
  /** Whether `stopAt` held it before this address: the page is then the redirect itself. */
  stopped: boolean;
}

export interface VisitOptions {
  /** A redirect to an address for which this is true is not followed: a client's own callback, say. */
  stopAt?: (url: string) => boolean;
}

/** What to press and fill in. Fields given here replace or add to the form's own. */
export interface Submission {
  /** The button, by its name and value, by its name alone, or by its text. Absent: the first one. */
  button?: { name: string; value?: string } | string;
  fields?: Record<string, string | string[]>;
  /** The form, by its id or place. Absent: the first one that has the button. */
  form?: string | number;
}

export class Browser {
  readonly cookies: CookieJar;
  readonly #fetch: typeof fetch;

  /** `now` in milliseconds since 1970, for the expiry of cookies; `fetch` for tests that look at requests. */
  constructor(options: { now?: () => number; fetch?: typeof fetch } = {}) {
    this.cookies = new CookieJar(options.now);
    this.#fetch = options.fetch ?? fetch;
  }

  /**
   * Goes to an address as when it is typed in or opened by another program, and follows redirects.
   * @throws Error when there are more than 20 of them
   */
  open(url: string, options: VisitOptions = {}): Promise<Page> {
    return this.#visit({ url, method: 'GET', initiator: undefined }, options);
  }

  /** Follows a link that stands on `page`. */
  follow(page: Page, url: string, options: VisitOptions = {}): Promise<Page> {
    return this.#visit({ url: new URL(url, page.url).href, method: 'GET', initiator: page.url }, options);
  }

  /**
   * Presses a button of a form on `page`, and follows redirects.
   * @throws Error naming what the page has, when it has no such form or button
   */
  submit(page: Page, submission: Submission = {}, options: VisitOptions = {}): Promise<Page> {
    const { action, method, data } = prepare(page, submission);
    if (method === 'POST') return this.#visit({ url: action, method, body: data, initiator: page.url }, options);
    const url = new URL(action);
    url.search = data.toString();
    return this.#visit({ url: url.href, method, initiator: page.url }, options);
  }

  async #visit(first: Visit, { stopAt }: VisitOptions): Promise<Page> {
    let visit = first;
    // Across a chain of redirects a request stays cross-site once it has been.
    let site = relation(visit.initiator, visit.url);
    let response = await this.#request(visit, site);
    for (let redirects = 0; isRedirect(response); redirects++) {
      if (redirects === MOST_REDIRECTS)
        throw new Error(`More than ${MOST_REDIRECTS} redirects, the last to ${visit.url}`);
      const url = new URL(response.headers.get('location') ?? '', visit.url).href;
      if (stopAt?.(url)) return pageOf(response, url, true);
      await response.body?.cancel();
      const keepsBody = response.status === 307 || response.status === 308;
      site = further(site, relation(visit.url, url));
      visit = keepsBody
        ? { ...visit, url, tainted: visit.tainted || !sameOrigin(visit.url, url) }
        : { url, method: 'GET', initiator: first.initiator };
      response = await this.#request(visit, site);
    }
    return pageOf(response, visit.url, false);
  }

  async #request({ url, method, body, initiator, tainted }: Visit, site: Site): Promise<Response> {
    const target = new URL(url);
    const headers = new Headers({
      accept: 'text/html,application/xhtml+xml;q=0.9,*/*;q=0.8',
      'sec-fetch-site': site,
      'sec-fetch-mode': 'navigate',
      'sec-fetch-dest': 'document',
      'sec-fetch-user': '?1',
      'upgrade-insecure-requests': '1',
    });
    if (initiator !== undefined) headers.set('referer', refererOf(initiator, target));
    // Browsers name the origin on whatever is not GET; after a redirect between origins they say null.
    if (method === 'POST' && initiator !== undefined) {
      headers.set('origin', tainted ? 'null' : new URL(initiator).origin);
    }
    const cookie = this.cookies.header(target, { method, crossSite: site === 'cross-site' });
    if (cookie !== undefined) headers.set('cookie', cookie);
    const response = await this.#fetch(target, { method, headers, redirect: 'manual', ...(body && { body }) });
    this.cookies.store(target, response.headers.getSetCookie());
    return response;
  }
}

type Site = 'none' | 'same-origin' | 'same-site' | 'cross-site';

interface Visit {
  url: string;
  method: 'GET' | 'POST';
  body?: URLSearchParams;
  /** The page that caused it; absent when the person did. */
  initiator: string | undefined;
  /** Whether a redirect has taken the body to another origin. */
  tainted?: boolean;
}

function prepare(page: Page, { button, fields = {}, form: which }: Submission) {
  for (const [index, form] of page.forms.entries()) {
    if (which !== undefined && which !== index && which !== form.id) continue;
    const pressed = form.buttons.find(candidate => {
      if (button === undefined) return true;
      if (typeof button === 'string') return candidate.text === button;
      return candidate.name === button.name && (button.value === undefined || candidate.value === button.value);
    });
    if (pressed === undefined && (button !== undefined || form.buttons.length > 0)) continue;
    const data = new URLSearchParams();
    for (const { name, value } of form.fields) if (!Object.hasOwn(fields, name)) data.append(name, value);
    for (const [name, values] of Object.entries(fields)) for (const value of [values].flat()) data.append(name, value);
    if (pressed !== undefined && pressed.name !== '') data.append(pressed.name, pressed.value);
    return { action: pressed?.action ?? form.action, method: form.method, data };
  }
  const found = page.forms.flatMap(form => form.buttons).map(({ name, value, text }) => `${text} (${name}=${value})`);
  throw new Error(
    `No form with the button ${JSON.stringify(button ?? 'any')} on ${page.url} (${page.status}), which has ` +
      `${page.forms.length} forms and the buttons: ${found.join(', ') || 'none'}. It says: ${page.text.slice(0, 500)}`,
  );
}

async function pageOf(response: Response, url: string, stopped: boolean): Promise<Page> {
  const html = await response.text();
  const { status, headers } = response;
  return { status, url, headers, html, text: textOf(html), forms: formsOf(html, url), stopped };
}

function isRedirect(response: Response): boolean {
  return [301, 302, 303, 307, 308].includes(response.status) && response.headers.has('location');
}

function sameOrigin(a: string, b: string): boolean {
  return new URL(a).origin === new URL(b).origin;
}

/** Sites of names on loopback are these names: ports and schemes of one host differ in origin alone. */
function relation(initiator: string | undefined, target: string): Site {
  if (initiator === undefined) return 'none';
  if (sameOrigin(initiator, target)) return 'same-origin';
  const [a, b] = [new URL(initiator), new URL(target)];
  return a.hostname === b.hostname && a.protocol === b.protocol ? 'same-site' : 'cross-site';
}

/** The wider of two relations; what a person began herself stays hers through redirects. */
function further(soFar: Site, next: Site): Site {
  if (soFar === 'none') return 'none';
  const order: Site[] = ['same-origin', 'same-site', 'cross-site'];
  return order[Math.max(order.indexOf(soFar), order.indexOf(next))] ?? 'cross-site';
}

/** As the default policy has it: the whole address within an origin, the origin alone to others. */
function refererOf(initiator: string, target: URL): string {
  const { origin, pathname, search } = new URL(initiator);
  return origin === target.origin ? origin + pathname + search : `${origin}/`;
}
