/** The pages that people see at the stand-in. They work without JavaScript. */
import { html } from 'hono/html';
import type { EntraErrorBody } from './errors.ts';
import type { Person, PersonName } from './people.ts';

type Html = ReturnType<typeof html>;

/** Sent with every page: no script, no frame, nothing from elsewhere. */
export const pageHeaders = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** The account picker: one button for each person, named `person`, and one to cancel, named `cancel`. */
export function pickerPage(people: Record<PersonName, Person>, hint: string | undefined): Html {
  return page(
    'Pick an account',
    html`<form method="post">
      ${Object.entries(people).map(
        ([key, person]) =>
          html`<button class="person" name="person" value="${key}" ${person.username === hint ? 'autofocus' : ''}>
            <strong>${person.name}</strong><span>${person.username}</span><small>${person.note}</small>
          </button>`,
      )}
      <button name="cancel" value="yes">Cancel</button>
    </form>`,
  );
}

/** What `prompt=consent` asks: a button named `accept`, and one to cancel, named `cancel`. */
export function consentPage(person: Person, scopes: string[]): Html {
  return page(
    'Permissions requested',
    html`<p>${person.username}</p>
      <p>The application would like to use: ${scopes.join(', ')}.</p>
      <form method="post">
        <button class="main" name="accept" value="yes">Accept</button>
        <button name="cancel" value="yes">Cancel</button>
      </form>`,
  );
}

/** What Entra shows instead of going back to an application it does not trust. */
export function errorPage(error: EntraErrorBody): Html {
  return page('Sorry, but we’re having trouble signing you in.', html`<p role="alert">${error.error_description}</p>`);
}

export function signedOutPage(): Html {
  return page('You signed out of your account', html`<p>You can close this window.</p>`);
}

function page(title: string, content: Html): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <title>${title}</title>
        <style>
          :root { color-scheme: light dark; font: 1rem/1.5 "Segoe UI", system-ui, sans-serif;
            background: light-dark(#f2f4f7, #14161a); color: light-dark(#1b1b1b, #f2f2f2); }
          body { margin: 0; }
          header { padding: 0.5rem 1rem; text-align: center; font-size: 0.875rem;
            background: light-dark(#fff3cd, #3d3000); color: light-dark(#3d3000, #fff3cd); }
          main { max-width: 24rem; margin: clamp(1rem, 6vh, 4rem) auto; padding: 1.5rem; overflow-wrap: anywhere;
            background: light-dark(#fff, #1f2228); box-shadow: 0 2px 12px light-dark(#0003, #000a); border-radius: 8px; }
          h1 { margin: 0 0 1rem; font-size: 1.5rem; font-weight: 600; line-height: 1.25; }
          form { display: grid; gap: 0.5rem; }
          button { font: inherit; padding: 0.5rem 0.75rem; border: 1px solid light-dark(#767676, #8a8a8a);
            border-radius: 4px; background: none; color: inherit; cursor: pointer; }
          button:hover, button:focus-visible { background: light-dark(#eef3ff, #2b3550); }
          button:focus-visible { outline: 2px solid light-dark(#0f5cbd, #7ab4ff); outline-offset: 1px; }
          .person { display: grid; text-align: start; line-height: 1.35; }
          .person small { color: light-dark(#5a5a5a, #b8bcc4); }
          .main { background: light-dark(#0f5cbd, #7ab4ff); border-color: transparent; color: light-dark(#fff, #10131a); }
          .main:hover, .main:focus-visible { background: light-dark(#0b4793, #a5ccff); }
          @media (max-width: 26rem) { main { margin: 0; border-radius: 0; box-shadow: none; } }
        </style>
      </head>
      <body>
        <header>This is a stand-in for Microsoft Entra ID, for local development only.</header>
        <main>
          <h1>${title}</h1>
          ${content}
        </main>
      </body>
    </html>`;
}
