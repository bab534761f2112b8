import type { Child } from 'hono/jsx';
import { OFFLINE_ACCESS } from '../access/scopes.ts';

/** A scope and what it allows, in the words of the pages. */
export interface ScopeChoice {
  scope: string;
  description: string;
}

/** A name from outside, kept from turning the direction of the text around it. */
export function Foreign({ children }: { children: string }) {
  return <bdi>{children}</bdi>;
}

/** A moment, in UTC; the script writes it in the reader's own zone. */
export function Moment({ at }: { at: Date }) {
  const text = at.toLocaleString('en-GB', { dateStyle: 'medium', timeStyle: 'short', timeZone: 'UTC' });
  return <time datetime={at.toISOString()}>{text} UTC</time>;
}

/** A copy button for the element `of`, shown where a script runs, with a place that says it worked. */
export function CopyButton({ of, what }: { of: string; what: string }) {
  return (
    <span class="copy">
      <button type="button" class="small" data-copy={of} hidden>
        Copy<span class="unseen"> {what}</span>
      </button>
      <span role="status" class="soft" />
    </span>
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
            {scope === OFFLINE_ACCESS ? 'Stay signed in, so that you are not asked again each time' : description}
            <code>{scope}</code>
          </span>
        </label>
      ))}
    </fieldset>
  );
}
