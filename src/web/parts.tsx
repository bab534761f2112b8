import type { Child } from 'hono/jsx';
import { plainText } from './text.ts';

/** A scope and what it allows, in the words of the pages. */
export interface ScopeChoice {
  readonly scope: string;
  readonly description: string;
}

/** Who is signed in, as Entra names them. */
export interface Person {
  readonly name?: string | undefined;
  readonly email?: string | undefined;
}

/** The sign of the pages: a keyhole. */
export function Mark() {
  return (
    <svg class="mark" viewBox="0 0 32 32" aria-hidden="true">
      <rect width="32" height="32" rx="8" />
      <path d="M16 7a5 5 0 0 0-2.4 9.4L12 25h8l-1.6-8.6A5 5 0 0 0 16 7z" />
    </svg>
  );
}

/** A name from outside, already plain, kept from turning the direction of the text around it. */
export function Foreign({ children }: { children: string }) {
  return <bdi>{children}</bdi>;
}

/** A moment, in UTC; the script writes it in the reader's own zone. */
export function Moment({ at }: { at: Date }) {
  const text = at.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });
  return <time datetime={at.toISOString()}>{text} UTC</time>;
}

/** A button that copies the element with the id `of`, shown where the script runs, and the place that says it did. */
export function CopyButton({ of, what, small }: { of: string; what: string; small?: boolean }) {
  return (
    <span>
      <button type="button" class={small ? 'small' : ''} data-copy={of} hidden>
        <span>Copy</span>
        <span class="unseen"> {what}</span>
      </button>
      <span class="unseen" role="status" />
    </span>
  );
}

/** What proves that a form is a page's of this session. */
export function Csrf({ value }: { value: string | undefined }) {
  return value === undefined ? null : <input type="hidden" name="csrf" value={value} />;
}

/** A header's right half: who is signed in, a place to go, and the way out. */
export function SignedIn({ person, csrf, children }: { person: Person; csrf: string | undefined; children?: Child }) {
  const name = plainText(person.name ?? '');
  const email = plainText(person.email ?? '');
  return (
    <form method="post" action="/auth/logout">
      <Csrf value={csrf} />
      <span class="who">
        <span class="unseen">Signed in as </span>
        <Foreign>{name || email || 'Signed in'}</Foreign>
        {name && email ? (
          <>
            <br />
            <span class="soft">
              <Foreign>{email}</Foreign>
            </span>
          </>
        ) : null}
      </span>
      <span class="row">
        {children}
        <button type="submit" class="small">
          Sign out
        </button>
      </span>
    </form>
  );
}

/** Checkboxes named `scope`, all ticked, one for each scope. */
export function ScopeChoices({ scopes, legend }: { scopes: readonly ScopeChoice[]; legend: Child }) {
  return (
    <fieldset>
      <legend>{legend}</legend>
      {scopes.map(({ scope, description }) => (
        <label class="choice">
          <input type="checkbox" name="scope" value={scope} checked />
          <span>
            {description}
            <code>{scope}</code>
          </span>
        </label>
      ))}
    </fieldset>
  );
}

/** The way to the page for administrators, which nobody else is told of. */
export function ManageLink() {
  return (
    <a class="button small" href="/manage">
      Manage
    </a>
  );
}
