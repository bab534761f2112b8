import { page } from './page.tsx';
import { Csrf, Mark } from './parts.tsx';

export interface DeletionProps {
  readonly csrf: string;
  /** Signed in less than 15 minutes ago; else the page asks for that first. */
  readonly canDelete: boolean;
}

/** The page that asks before everything of a person is deleted, 200. Its form posts `action=delete-everything` to `/account`. */
export function deletionPage({ csrf, canDelete }: DeletionProps): Response {
  return page(
    { status: 200, title: 'Delete everything?' },
    <main class="card">
      <Mark />
      <h1>Delete everything?</h1>
      <ul class="list">
        <li>Every app and every token for scripts loses its access, within 30 seconds.</li>
        <li>All notes that tools have saved for you are deleted.</li>
        <li>So is what is kept of your sign-ins. You are signed out here, in every browser.</li>
        <li>The record of what happened here stays for some weeks. It knows you by a number, without your name.</li>
      </ul>
      <p class="note warn">
        <strong>This cannot be undone.</strong> Your account with Microsoft stays as it is.
      </p>
      {canDelete ? (
        <form method="post" action="/account">
          <input type="hidden" name="action" value="delete-everything" />
          <Csrf value={csrf} />
          <div class="actions">
            <button type="submit" class="main">
              Delete everything
            </button>
            <a class="button" href="/account">
              Keep it
            </a>
          </div>
        </form>
      ) : (
        <>
          <p>
            You signed in a while ago, or were not asked to. To delete everything, sign in once more, and then come
            back.
          </p>
          <div class="actions">
            <a class="button main" href="/auth/login?to=account&amp;prompt=login">
              Sign in again
            </a>
            <a class="button" href="/account">
              Keep it
            </a>
          </div>
        </>
      )}
    </main>,
  );
}

/** The page when everything is deleted, 200. */
export function deletedPage({ entraLogoutUrl }: { readonly entraLogoutUrl: string }): Response {
  return page(
    { status: 200, title: 'Everything is deleted' },
    <main class="card">
      <Mark />
      <h1>Everything is deleted</h1>
      <ul class="list">
        <li>No app has access in your name any more. What still holds a token loses it within 30 seconds.</li>
        <li>Your notes are deleted, and so is what was kept of your sign-ins.</li>
        <li>You are signed out here, in every browser.</li>
      </ul>
      <p class="soft">
        Until the last token has expired, a list keeps the numbers of what has ended, and for some weeks a record keeps
        that you signed in and had everything deleted; both without your name. An app that was signing in or saving at
        this very moment may have left something: to be sure, sign in again and look.
      </p>
      <p>
        This browser may still be signed in with Microsoft. <a href={entraLogoutUrl}>Sign out of Microsoft too</a>.
      </p>
    </main>,
  );
}
