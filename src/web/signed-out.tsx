import { page } from './page.tsx';

export interface SignedOutProps {
  /** Entra's own sign-out, where the person can end that session too. */
  entraLogoutUrl?: string;
}

/** The page after signing out, 200. */
export function signedOutPage(props: SignedOutProps): Response {
  return page(
    { status: 200, title: 'You are signed out' },
    <main>
      <h1>You are signed out</h1>
      <p>
        <a href="/auth/login">Sign in again</a>
      </p>
      {props.entraLogoutUrl ? <a href={props.entraLogoutUrl}>Sign out of Microsoft too</a> : null}
    </main>,
  );
}
