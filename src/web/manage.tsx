import type { Child } from 'hono/jsx';
import { page } from './page.tsx';
import { Csrf, Foreign, Mark, Moment, type Person, SignedIn } from './parts.tsx';
import { plainText, plainUri } from './text.ts';

/** What stands on every page for administrators. */
export interface ManageFrame {
  readonly serverName: string;
  readonly version: string;
  /** The administrator. */
  readonly person: Person;
  /** Goes into every form of the page. */
  readonly csrf: string;
}

/** What somebody has granted to a client, or a token for scripts. */
export interface ManagedConnection {
  readonly grantId: string;
  /** `TENANT.OBJECT`. */
  readonly person: string;
  readonly name?: string | undefined;
  readonly email?: string | undefined;
  /** The client's id. */
  readonly client: string;
  /** As it calls itself. */
  readonly clientName?: string | undefined;
  readonly kind: 'client' | 'script';
  /** What it may do, in words. */
  readonly scopes: readonly string[];
  readonly since: Date;
  readonly renewedAt?: Date | undefined;
  readonly until: Date;
  /** Whether `until` is over. */
  readonly isOver: boolean;
  readonly ended?: { readonly at: Date; readonly why: string } | undefined;
}

export interface ManagedEvent {
  readonly act: string;
  readonly at: Date;
  readonly person?: string | undefined;
  readonly client?: string | undefined;
  readonly clientName?: string | undefined;
  readonly resource?: string | undefined;
  /** Of a server behind the gateway. */
  readonly tool?: string | undefined;
  readonly grant?: string | undefined;
  /** The administrator who did it. */
  readonly by?: string | undefined;
  readonly reason?: string | undefined;
  readonly correlationId: string;
}

interface Listed {
  /** Newest first, but for a person's, which are in no order of time. */
  readonly connections: readonly ManagedConnection[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: string | undefined;
}

export type ManageView =
  | (Listed & { readonly kind: 'overview'; readonly blocked: readonly { client: string; at: Date }[] })
  | (Listed & { readonly kind: 'person'; readonly person: string })
  | (Listed & { readonly kind: 'client'; readonly client: string; readonly isBlocked: boolean })
  | { readonly kind: 'events'; readonly events: readonly ManagedEvent[]; readonly next?: string | undefined };

/**
 * The page for administrators, 200, in one of its views. Its forms post to
 * `/manage`, each with `csrf` and `action`: `end-grant` with `person` and
 * `grant_id`, `end-person` with `person`, `end-client`, `block` and `unblock`
 * with `client`.
 */
export function managePage(frame: ManageFrame, view: ManageView): Response {
  return page(
    { status: 200, title: TITLES[view.kind], script: true },
    <>
      <header>
        <a class="brand" href="/">
          <Mark />
          {frame.serverName}
        </a>
        <SignedIn person={frame.person} csrf={frame.csrf} />
      </header>
      <main>
        <div class="intro">
          <h1>{TITLES[view.kind]}</h1>
          <nav class="row" aria-label="Views">
            {view.kind === 'overview' ? null : <a href="/manage">All connections</a>}
            {view.kind === 'events' ? null : <a href="/manage?show=events">What happened</a>}
          </nav>
        </div>
        {view.kind === 'events' ? null : <Search />}
        <View view={view} csrf={frame.csrf} />
      </main>
      <footer>
        {frame.serverName} {frame.version}
      </footer>
    </>,
  );
}

const TITLES: Record<ManageView['kind'], string> = {
  overview: 'Who has connected what',
  person: 'A person’s connections',
  client: 'A client’s connections',
  events: 'What happened',
};

/** The page for an administrator whose sign-in is 15 minutes old or more, 200. */
export function manageSignInPage(): Response {
  return page(
    { status: 200, title: 'Sign in again' },
    <main class="card">
      <Mark />
      <h1>Sign in again</h1>
      <p>What others have connected is shown only within 15 minutes of signing in.</p>
      <a class="button main" href="/auth/login?to=manage">
        Sign in with Microsoft
      </a>
    </main>,
  );
}

/** The address of a view. */
export function manageLink(query: Record<string, string | undefined>): string {
  const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return `/manage${given.length > 0 ? `?${new URLSearchParams(given)}` : ''}`;
}

function View({ view, csrf }: { view: ManageView; csrf: string }) {
  switch (view.kind) {
    case 'overview':
      return (
        <>
          <Connections view={view} csrf={csrf} more={manageLink({ from: view.next })} />
          {view.blocked.length > 0 ? (
            <section aria-labelledby="blocked">
              <h2 id="blocked">Blocked clients</h2>
              <ul class="list">
                {view.blocked.map(({ client, at }) => (
                  <li>
                    <p>
                      <ClientLink id={client} />
                    </p>
                    <p class="soft">
                      Since <Moment at={at} />
                    </p>
                  </li>
                ))}
              </ul>
            </section>
          ) : null}
        </>
      );
    case 'person':
      return (
        <>
          <section aria-labelledby="who">
            <h2 id="who">
              <code>{view.person}</code>
            </h2>
            <Confirm
              csrf={csrf}
              summary="End all"
              fields={{ action: 'end-person', person: view.person }}
              button="End all that this person has"
            >
              Every app and every token for scripts of this person loses its access, and every browser is signed out
              here, within 30 seconds. The person can sign in again.
            </Confirm>
          </section>
          <Connections view={view} csrf={csrf} more={manageLink({ person: view.person, from: view.next })} />
        </>
      );
    case 'client':
      return (
        <>
          <section aria-labelledby="which">
            <h2 id="which">
              <code>{plainText(view.client, LONGEST_ID)}</code>
            </h2>
            {view.isBlocked ? (
              <form class="row" method="post" action="/manage">
                <Fields csrf={csrf} fields={{ action: 'unblock', client: view.client }} />
                <p class="note warn grow">This client is blocked: nobody can connect it, and it has no access.</p>
                <button type="submit" class="small">
                  Unblock
                </button>
              </form>
            ) : (
              <Confirm
                csrf={csrf}
                summary="Block"
                fields={{ action: 'block', client: view.client }}
                button="Block this client"
              >
                It loses its access within 30 seconds, whoever has connected it, and nobody can connect it until it is
                unblocked. A client that registers itself can come back under another name.
              </Confirm>
            )}
            <Confirm
              csrf={csrf}
              summary="End all"
              fields={{ action: 'end-client', client: view.client }}
              button="End all that this client has"
            >
              It loses its access within 30 seconds, whoever has connected it. Everybody can connect it again.
            </Confirm>
          </section>
          <Connections view={view} csrf={csrf} more={manageLink({ client: view.client, from: view.next })} />
        </>
      );
    case 'events':
      return <Events events={view.events} next={view.next} />;
  }
}

/** A client's id may be a long address. */
const LONGEST_ID = 300;

function Search() {
  return (
    <search>
      <form method="get" action="/manage">
        <div>
          <label for="q">Find a person or a client</label>
          <div class="row">
            <input id="q" name="q" type="text" maxlength={2000} autocomplete="off" aria-describedby="q-help" />
            <button type="submit">Find</button>
          </div>
          <p class="soft" id="q-help">
            A person’s object ID in Microsoft Entra ID, or a client’s <code>client_id</code>.
          </p>
        </div>
      </form>
    </search>
  );
}

function Connections({ view, csrf, more }: { view: Listed; csrf: string; more: string }) {
  const { connections, next } = view;
  return (
    <section aria-labelledby="connections">
      <div class="intro">
        <h2 id="connections">Connections</h2>
        <p class="soft">What was ended as a whole can show here as connected for 30 seconds more.</p>
      </div>
      {connections.length > 0 ? (
        <ul class="list">
          {connections.map((each, index) => (
            <Connection each={each} csrf={csrf} id={`connection-${index}`} />
          ))}
        </ul>
      ) : (
        <p class="soft">{next ? 'None of these is kept any more.' : 'There is none.'}</p>
      )}
      {next ? (
        <nav class="row" aria-label="Connections">
          <a class="button small" href={more}>
            More
          </a>
        </nav>
      ) : null}
    </section>
  );
}

function Connection({ each, csrf, id }: { each: ManagedConnection; csrf: string; id: string }) {
  const name = plainText(each.name ?? '') || plainText(each.email ?? '');
  return (
    <li>
      <div class="row">
        <div class="grow" id={id}>
          <h3>
            <ClientLink id={each.client} name={each.kind === 'script' ? 'Token for scripts' : each.clientName} />
          </h3>
          <p>
            <a href={manageLink({ person: each.person })}>{name ? <Foreign>{name}</Foreign> : each.person}</a>
            {each.name && each.email ? (
              <span class="soft">
                {' '}
                <Foreign>{plainText(each.email)}</Foreign>
              </span>
            ) : null}
          </p>
        </div>
        {each.ended || each.isOver ? null : (
          <form method="post" action="/manage">
            <Fields csrf={csrf} fields={{ action: 'end-grant', person: each.person, grant_id: each.grantId }} />
            <button type="submit" class="small" aria-describedby={id}>
              End
            </button>
          </form>
        )}
      </div>
      <dl class="pairs">
        <div>
          <dt>May</dt>
          <dd>{each.scopes.length > 0 ? each.scopes.join('; ') : 'See who signed in, no more'}</dd>
        </div>
        <div>
          <dt>Since</dt>
          <dd>
            <Moment at={each.since} />
            {each.renewedAt ? (
              <>
                , last renewed <Moment at={each.renewedAt} />
              </>
            ) : null}
          </dd>
        </div>
        <div>
          <dt>{each.ended ? 'Ended' : 'Until'}</dt>
          <dd>
            <Moment at={each.ended?.at ?? each.until} />
            {each.ended ? `: ${plainText(each.ended.why, LONGEST_ID)}` : each.isOver ? ', which is over' : null}
          </dd>
        </div>
      </dl>
    </li>
  );
}

function Events({ events, next }: { events: readonly ManagedEvent[]; next: string | undefined }) {
  return (
    <section aria-labelledby="events">
      <h2 id="events">Newest first</h2>
      {events.length > 0 ? (
        <ul class="list">
          {events.map(event => (
            <li>
              <h3>{event.act}</h3>
              <dl class="pairs">
                <Fact name="When">
                  <Moment at={event.at} />
                </Fact>
                {event.person ? (
                  <Fact name="Person">
                    <a href={manageLink({ person: event.person })}>{event.person}</a>
                  </Fact>
                ) : null}
                {event.client ? (
                  <Fact name="Client">
                    <ClientLink id={event.client} name={event.clientName} />
                  </Fact>
                ) : null}
                {event.resource ? <Fact name="Access to">{plainUri(event.resource)}</Fact> : null}
                {event.tool ? <Fact name="What">{plainText(event.tool, LONGEST_ID)}</Fact> : null}
                {event.by ? (
                  <Fact name="By">
                    <a href={manageLink({ person: event.by })}>{event.by}</a>
                  </Fact>
                ) : null}
                {event.grant ? <Fact name="Grant">{event.grant}</Fact> : null}
                {event.reason ? <Fact name="Why">{plainText(event.reason, LONGEST_ID)}</Fact> : null}
                <Fact name="Log">{event.correlationId}</Fact>
              </dl>
            </li>
          ))}
        </ul>
      ) : (
        <p class="soft">Nothing is kept.</p>
      )}
      {next ? (
        <nav class="row" aria-label="Events">
          <a class="button small" href={manageLink({ show: 'events', from: next })}>
            Older
          </a>
        </nav>
      ) : null}
    </section>
  );
}

function Fact({ name, children }: { name: string; children: Child }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

/** A client by its own word for itself, quoted, or by its id. */
function ClientLink({ id, name }: { id: string; name?: string | undefined }) {
  const plain = plainText(name ?? '');
  const text = plain ? (
    <>
      “<Foreign>{plain}</Foreign>”
    </>
  ) : (
    plainText(id)
  );
  return <a href={manageLink({ client: id })}>{text}</a>;
}

/** An act that is asked about once more, by opening what it means. */
function Confirm(props: {
  csrf: string;
  summary: string;
  fields: Record<string, string>;
  button: string;
  children: Child;
}) {
  return (
    <details>
      <summary>{props.summary}</summary>
      <form method="post" action="/manage">
        <Fields csrf={props.csrf} fields={props.fields} />
        <p>{props.children}</p>
        <div>
          <button type="submit" class="small">
            {props.button}
          </button>
        </div>
      </form>
    </details>
  );
}

function Fields({ csrf, fields }: { csrf: string; fields: Record<string, string> }) {
  return (
    <>
      {Object.entries(fields).map(([name, value]) => (
        <input type="hidden" name={name} value={value} />
      ))}
      <Csrf value={csrf} />
    </>
  );
}
