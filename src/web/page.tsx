import { createHash } from 'node:crypto';
import { raw } from 'hono/html';
import type { Child } from 'hono/jsx';
import { SCRIPT } from './script.ts';
import { STYLE } from './style.ts';

/** What differs between the frames of two pages. */
export interface Frame {
  /** The HTTP status. */
  readonly status: number;
  /** The page's title, also its first heading's text. */
  readonly title: string;
  /** Whether the page has something to copy, and so the script. */
  readonly script?: boolean | undefined;
  /**
   * Whether the page is a step of a client's sign-in, which a client may have
   * opened as a pop-up. Such a page keeps its opener, and its form may end in a
   * redirect to the client: Chromium applies `form-action` to the whole chain.
   */
  readonly clientFlow?: boolean | undefined;
  /** Seconds, for `Retry-After`. */
  readonly retryAfter?: number | undefined;
}

/**
 * A whole page as an answer: the frame around `content`, and every header that
 * a page of this server bears. It holds nothing of anybody else's.
 */
export function page(frame: Frame, content: Child): Response {
  const html = (
    <>
      {raw('<!doctype html>')}
      <html lang="en">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <meta name="color-scheme" content="light dark" />
          <title>{frame.title}</title>
          <link rel="icon" href="data:," />
          <style>{raw(STYLE)}</style>
        </head>
        <body>
          {content}
          {frame.script ? <script>{raw(SCRIPT)}</script> : null}
        </body>
      </html>
    </>
  );
  return new Response(html.toString(), { status: frame.status, headers: pageHeaders(frame) });
}

function pageHeaders(frame: Frame): Headers {
  const policy = [
    "default-src 'none'",
    `style-src '${hashOf(STYLE)}'`,
    ...(frame.script ? [`script-src '${hashOf(SCRIPT)}'`] : []),
    'img-src data:',
    "base-uri 'none'",
    "frame-ancestors 'none'",
    ...(frame.clientFlow ? [] : ["form-action 'self'"]),
  ];
  const headers = new Headers({
    'content-type': 'text/html; charset=utf-8',
    'content-security-policy': policy.join('; '),
    'cache-control': 'no-store',
    'cross-origin-resource-policy': 'same-origin',
    'permissions-policy': 'camera=(), geolocation=(), microphone=(), payment=(), usb=()',
    'referrer-policy': 'no-referrer',
    'x-content-type-options': 'nosniff',
    'x-frame-options': 'DENY',
  });
  if (!frame.clientFlow) headers.set('cross-origin-opener-policy', 'same-origin');
  if (frame.retryAfter !== undefined) headers.set('retry-after', String(Math.ceil(frame.retryAfter)));
  return headers;
}

const hashes = new Map<string, string>();

/** The CSP source of an inline text (CSP 3 section 2.3.1), reckoned when first asked for. */
function hashOf(text: string): string {
  const hash = hashes.get(text) ?? `sha256-${createHash('sha256').update(text).digest('base64')}`;
  hashes.set(text, hash);
  return hash;
}
