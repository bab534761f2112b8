import { page } from './page.tsx';
import { Mark } from './parts.tsx';

export interface SignedOutProps {
  /** Entra's own sign-out, where the person can end that session too. */
  readonly entraLogoutUrl: string;
  /** The person, sealed, where their applications can be ended from here. */
  readonly person?: string | undefined;
  /** How many applications were ended just now; absent where that was not asked for. */
  readonly ended?: number | undefined;
}

/**
 * The page after signing out, 200. Entra's session is another one: the page
 * offers to end it by a link, as a form's answer must not redirect there. What
 * is connected stays so unless it is ended; its form posts `action=end-all` with
 * `person` to `/auth/logout`.
 */
export function signedOutPage({ entraLogoutUrl, person, ended }: SignedOutProps): Response {
  return page(
    { status: 200, title: 'You are signed out' },
    <main class="card">
      <Mark />
      <h1>You are signed out</h1>
      {ended === undefined ? null : (
        <p class="note" role="status">
          {ended === 0
            ? 'No app had access in your name.'
            : ended === 1
              ? 'One app has lost its access.'
              : `${ended} apps have lost their access.`}{' '}
          What still holds a token loses it within 30 seconds.
        </p>
      )}
      <p>This browser may still be signed in with Microsoft. On a computer that others use, sign out there too.</p>
      <div class="actions">
        <a class="button main" href={entraLogoutUrl}>
          Sign out of Microsoft too
        </a>
        <a class="button" href="/auth/login">
          Sign in again
        </a>
      </div>
      {person === undefined ? null : (
        <form method="post" action="/auth/logout">
          <input type="hidden" name="action" value="end-all" />
          <input type="hidden" name="person" value={person} />
          <p class="soft" id="apps">
            Connected apps keep their access, tokens for scripts too. If you do not need them any more, or do not know
            them, end them all.
          </p>
          <button type="submit" class="small" aria-describedby="apps">
            End all connected apps
          </button>
        </form>
      )}
    </main>,
  );
}
