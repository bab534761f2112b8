import { Notes, type NotesProps } from './account-notes.tsx';
import { page } from './page.tsx';
import { Csrf, Foreign, ManageLink, Mark, Moment, type Person, SignedIn } from './parts.tsx';
import { plainText } from './text.ts';

/** What a person has granted, and what has not ended. */
export interface ConnectedApp {
  readonly grantId: string;
  readonly kind: 'client' | 'script';
  /** As it calls itself. */
  readonly name?: string | undefined;
  /** Whose word its description is. */
  readonly origin: string;
  /** The redirect URI's host, or what else names where its person is sent back to. */
  readonly sentTo?: string | undefined;
  /** What it may do, in words. */
  readonly scopes: readonly string[];
  readonly since: Date;
  /** Absent where it never was. */
  /** When it took its newest token: each use of that is not kept. */
  readonly usedAt: Date;
  readonly until: Date;
  /** Whether a renewal moves `until`. */
  readonly isRenewable: boolean;
  /** Whether `until` is over, and only the approval is left. */
  readonly isOver: boolean;
  /** Whether its tokens work only with a key that it has (RFC 9449). */
  readonly isBoundToKey: boolean;
}

export interface EndedApp {
  readonly kind: ConnectedApp['kind'];
  readonly name?: string | undefined;
  readonly sentTo?: string | undefined;
  readonly endedAt: Date;
  /** Why, in a sentence. */
  readonly why: string;
}

export interface AccountProps {
  readonly serverName: string;
  readonly version: string;
  readonly person: Person;
  /** Whether the page for administrators is linked. */
  readonly isAdministrator?: boolean | undefined;
  /** Goes into every form of the page. */
  readonly csrf: string;
  /** Newest first. */
  readonly apps: readonly ConnectedApp[];
  /** How many more there are than `apps` shows. */
  readonly more: number;
  readonly ended: readonly EndedApp[];
  readonly notes: NotesProps;
}

/**
 * The account page, 200: which apps have access, what has ended and why, and all
 * that is kept of the person, to look through, to take and to delete. Its forms
 * post to `/account`, each with `csrf` and `action`: `end-grant` with `grant_id`,
 * `end-all`, `delete-note` with `note_id`, `export`.
 */
export function accountPage(props: AccountProps): Response {
  const { person, csrf, apps, ended } = props;
  return page(
    { status: 200, title: 'Your account', script: true },
    <>
      <header>
        <a class="brand" href="/">
          <Mark />
          {props.serverName}
        </a>
        <SignedIn person={person} csrf={csrf}>
          {props.isAdministrator ? <ManageLink /> : null}
        </SignedIn>
      </header>
      <main>
        <div class="intro">
          <h1>Your account</h1>
          <p class="soft">Who has access in your name, and what is kept of you here.</p>
        </div>
        <section aria-labelledby="apps">
          <div class="intro">
            <h2 id="apps">Connected apps</h2>
            <p class="soft">
              {apps.length > 0
                ? 'An app is listed once for each of its sign-ins. What you end loses its access within 30 seconds. When an app’s last one has ended your approval is forgotten: it has to ask you again.'
                : 'No app has access in your name.'}
            </p>
          </div>
          {apps.length > 0 ? (
            <ul class="list">
              {apps.map((app, index) => (
                <App app={app} csrf={csrf} id={`app-${index}`} />
              ))}
            </ul>
          ) : null}
          {props.more > 0 ? <p class="soft">And {props.more} older ones, which show when others have ended.</p> : null}
          {apps.length > 1 ? (
            <form class="row" method="post" action="/account">
              <input type="hidden" name="action" value="end-all" />
              <Csrf value={csrf} />
              <button type="submit">End all</button>
            </form>
          ) : null}
          {ended.length > 0 ? (
            <div>
              <h3>Ended lately</h3>
              <ul class="list">
                {ended.map(each => (
                  <li>
                    <p>
                      <Name kind={each.kind} name={each.name} />
                      {each.sentTo ? <span class="soft"> at {plainText(each.sentTo)}</span> : null}
                    </p>
                    <p class="soft">
                      <Moment at={each.endedAt} />. {each.why}
                    </p>
                  </li>
                ))}
              </ul>
            </div>
          ) : null}
        </section>
        <Notes {...props.notes} csrf={csrf} />
        <section aria-labelledby="data">
          <h2 id="data">Your data</h2>
          <form class="row" method="post" action="/account">
            <input type="hidden" name="action" value="export" />
            <Csrf value={csrf} />
            <p class="soft grow" id="export">
              All that is kept of you here, as a JSON file: who you are, your apps and your notes. A whole file ends
              with “complete”.
            </p>
            <button type="submit" aria-describedby="export">
              Download
            </button>
          </form>
          <div class="row">
            <p class="soft grow" id="delete">
              Or have all of it deleted. The next page says what that means, and asks once more.
            </p>
            <a class="button" href="/account?show=delete" aria-describedby="delete">
              Delete everything…
            </a>
          </div>
        </section>
      </main>
      <footer>
        {props.serverName} {props.version}
      </footer>
    </>,
  );
}

/** The page for somebody who is not signed in, 200. */
export function accountSignInPage(): Response {
  return page(
    { status: 200, title: 'Your account' },
    <main class="card">
      <Mark />
      <h1>Your account</h1>
      <p>Sign in to see which apps have access in your name, and what is kept of you here.</p>
      <a class="button main" href="/auth/login?to=account">
        Sign in with Microsoft
      </a>
    </main>,
  );
}

function App({ app, csrf, id }: { app: ConnectedApp; csrf: string; id: string }) {
  return (
    <li>
      <form class="row" method="post" action="/account">
        <input type="hidden" name="action" value="end-grant" />
        <input type="hidden" name="grant_id" value={app.grantId} />
        <Csrf value={csrf} />
        <div class="grow" id={id}>
          <h3>
            <Name kind={app.kind} name={app.name} />
          </h3>
          <p class="soft">
            {app.sentTo ? <>At {plainText(app.sentTo)}. </> : null}
            {app.origin}
          </p>
        </div>
        <button type="submit" class="small" aria-describedby={id}>
          End
        </button>
      </form>
      <dl class="pairs">
        <div>
          <dt>May</dt>
          <dd>{app.scopes.length > 0 ? app.scopes.join('; ') : 'See that you signed in, no more'}</dd>
        </div>
        <div>
          <dt>Since</dt>
          <dd>
            <Moment at={app.since} />
          </dd>
        </div>
        <div>
          <dt>Last used</dt>
          <dd>
            Took its newest token <Moment at={app.usedAt} />
          </dd>
        </div>
        <div>
          <dt>Until</dt>
          <dd>
            <Moment at={app.until} />
            {app.isOver
              ? ', which is over. Only your approval is left: it can sign you in again without asking.'
              : app.isRenewable
                ? ', later when it renews its access'
                : null}
          </dd>
        </div>
        <div>
          <dt>Tokens</dt>
          <dd>{app.isBoundToKey ? 'Work only with a key that the app keeps' : 'Work for whoever holds them'}</dd>
        </div>
      </dl>
    </li>
  );
}

/** A name is the app's own word, and quoted. */
function Name({ kind, name }: Pick<ConnectedApp, 'kind' | 'name'>) {
  if (kind === 'script') return <>Token for scripts</>;
  const plain = plainText(name ?? '');
  return plain ? (
    <>
      “<Foreign>{plain}</Foreign>”
    </>
  ) : (
    <>An app without a name</>
  );
}
