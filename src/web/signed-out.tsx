import { page } from './page.tsx';
import { Mark } from './parts.tsx';

export interface SignedOutProps {
  /** Entra's own sign-out, where the person can end that session too. */
  readonly entraLogoutUrl?: string | undefined;
}

/**
 * The page after signing out, 200. Entra's session is another one: the page
 * offers to end it by a link, as a form's answer must not redirect there.
 */
export function signedOutPage({ entraLogoutUrl }: SignedOutProps): Response {
  return page(
    { status: 200, title: 'You are signed out' },
    <main class="card">
      <Mark />
      <h1>You are signed out</h1>
      {entraLogoutUrl ? (
        <p>
          This browser may still be signed in with Microsoft. On a computer that others use,{' '}
          <a href={entraLogoutUrl}>sign out of Microsoft too</a>.
        </p>
      ) : (
        <p>You can close this page.</p>
      )}
      <a class="button main" href="/auth/login">
        Sign in again
      </a>
    </main>,
  );
}
