import { connectLines } from './connect.ts';
import { page } from './page.tsx';
import {
  CopyButton,
  Csrf,
  ManageLink,
  Mark,
  Moment,
  type Person,
  type ScopeChoice,
  ScopeChoices,
  SignedIn,
} from './parts.tsx';

/** A token for scripts that was issued just now: the only time it is shown. */
export interface IssuedToken {
  readonly token: string;
  readonly expiresAt: Date;
  readonly scopes: readonly string[];
  readonly grantId: string;
}

/** A token for scripts that has not ended. */
export interface ActiveToken {
  readonly grantId: string;
  readonly scopes: readonly string[];
  readonly issuedAt: Date;
  readonly expiresAt: Date;
}

export interface ScriptTokenProps {
  /** The setting: no form where it is off; tokens issued before can still be ended. */
  readonly enabled: boolean;
  readonly scopes: readonly ScopeChoice[];
  /** Signed in less than 15 minutes ago; else the page offers to sign in again. */
  readonly canIssue: boolean;
  /** Goes into every form of the page; needed where somebody is signed in. */
  readonly csrf?: string | undefined;
  readonly issued?: IssuedToken | undefined;
  readonly active: readonly ActiveToken[];
}

/** A server that people reach through this one. */
export interface OtherServer {
  readonly name: string;
  readonly mcpUrl: string;
}

export interface LandingProps {
  readonly mcpUrl: string;
  readonly serverName: string;
  readonly version: string;
  /** The servers behind the gateway. */
  readonly others?: readonly OtherServer[] | undefined;
  /** Who is signed in, or nobody. */
  readonly person?: Person | undefined;
  /** Whether the page for administrators is linked. */
  readonly isAdministrator?: boolean | undefined;
  readonly scriptTokens: ScriptTokenProps;
  /** One sentence at the top, such as "You are signed out." */
  readonly notice?: string | undefined;
}

/**
 * The landing page, 200: the server's address, who is signed in, and tokens for
 * scripts. Its forms post to `/` (`action=issue-token` with `scope`s, or
 * `action=end-token` with `grant_id`) and to `/auth/logout`, each with `csrf`.
 * These must answer with a page or go to this origin: the page's `form-action`
 * stops a redirect to any other.
 */
export function landingPage(props: LandingProps): Response {
  const { person, scriptTokens } = props;
  return page(
    { status: 200, title: props.serverName, script: true },
    <>
      <header>
        <span class="brand">
          <Mark />
          {props.serverName}
        </span>
        {person ? (
          <SignedIn person={person} csrf={scriptTokens.csrf}>
            <a class="button small" href="/account">
              Account
            </a>
            {props.isAdministrator ? <ManageLink /> : null}
          </SignedIn>
        ) : (
          <a class="button small" href="/auth/login">
            Sign in
          </a>
        )}
      </header>
      <main>
        {props.notice ? (
          <p class="note" role="status">
            {props.notice}
          </p>
        ) : null}
        <div class="intro">
          <h1>Connect your MCP client</h1>
          <p class="soft">
            Give your client this address. The first time, it opens your browser to sign in with Microsoft.
          </p>
        </div>
        <section aria-label="Server address">
          <Address id="mcp" label="MCP server URL" mcpUrl={props.mcpUrl} serverName={props.serverName} />
        </section>
        {props.others?.length ? <OtherServers servers={props.others} /> : null}
        {person ? <ScriptTokens {...scriptTokens} /> : null}
        {!person && scriptTokens.enabled ? <SignInForTokens /> : null}
      </main>
      <footer>
        {props.serverName} {props.version}
      </footer>
    </>,
  );
}

interface AddressProps extends Pick<LandingProps, 'mcpUrl' | 'serverName'> {
  /** What its ids begin with, one for each server of the page. */
  readonly id: string;
  readonly label: string;
}

function Address({ id, label, mcpUrl, serverName }: AddressProps) {
  return (
    <>
      <div>
        <label for={`${id}-url`}>{label}</label>
        <div class="row">
          <input id={`${id}-url`} type="text" readonly value={mcpUrl} />
          <CopyButton of={`${id}-url`} what="the URL" />
        </div>
      </div>
      <details>
        <summary>Add it to VS Code, Claude Code, Cursor or Codex</summary>
        <dl class="lines">
          {connectLines(serverName, mcpUrl).map(({ client, where, line }, index) => (
            <div>
              <dt>
                <span>
                  {client} <span class="soft">{where}</span>
                </span>
                <CopyButton of={`${id}-${index}`} what={`the line for ${client}`} small />
              </dt>
              <dd>
                <code id={`${id}-${index}`}>{line}</code>
              </dd>
            </div>
          ))}
        </dl>
      </details>
    </>
  );
}

function OtherServers({ servers }: { servers: readonly OtherServer[] }) {
  return (
    <section aria-labelledby="others">
      <div class="intro">
        <h2 id="others">More servers, with the same sign-in</h2>
      </div>
      {servers.map(({ name, mcpUrl }, index) => (
        <Address id={`other-${index}`} label={name} mcpUrl={mcpUrl} serverName={name} />
      ))}
    </section>
  );
}

function SignInForTokens() {
  return (
    <section aria-labelledby="tokens">
      <h2 id="tokens">Calling it from a script?</h2>
      <p class="soft">Sign in, and this page issues a token that your script can send for an hour.</p>
      <a class="button main" href="/auth/login?prompt=login">
        Sign in with Microsoft
      </a>
    </section>
  );
}

function ScriptTokens({ enabled, scopes, canIssue, csrf, issued, active }: ScriptTokenProps) {
  if (!enabled && active.length === 0) return null;
  return (
    <section aria-labelledby="tokens">
      <div class="intro">
        <h2 id="tokens">Tokens for scripts</h2>
        <p class="soft">
          A script sends one as <code>Authorization: Bearer …</code>. MCP clients need none: they sign in by themselves.
        </p>
      </div>
      {issued ? <Issued {...issued} /> : null}
      {enabled && canIssue && !issued ? <IssueForm scopes={scopes} csrf={csrf} /> : null}
      {enabled && canIssue && issued ? (
        <details>
          <summary>Issue another</summary>
          <IssueForm scopes={scopes} csrf={csrf} />
        </details>
      ) : null}
      {enabled && !canIssue ? <SignInAgain /> : null}
      {active.length > 0 ? (
        <div>
          <h3>Tokens in use</h3>
          <ul class="list">
            {active.map((token, index) => (
              <Active token={token} csrf={csrf} id={`grant-${index}`} />
            ))}
          </ul>
        </div>
      ) : null}
    </section>
  );
}

function IssueForm({ scopes, csrf }: { scopes: readonly ScopeChoice[]; csrf: string | undefined }) {
  return (
    <form method="post" action="/" autocomplete="off">
      <input type="hidden" name="action" value="issue-token" />
      <Csrf value={csrf} />
      <ScopeChoices scopes={scopes} legend="What the token may do" />
      <button type="submit" class="main">
        Issue a token
      </button>
    </form>
  );
}

function SignInAgain() {
  return (
    <div class="row">
      <p class="soft grow">You signed in a while ago, or were not asked to. To issue a token, sign in once more.</p>
      <a class="button" href="/auth/login?prompt=login">
        Sign in again
      </a>
    </div>
  );
}

function Issued({ token, expiresAt, scopes }: IssuedToken) {
  return (
    <div class="fresh">
      <label for="token">Your token. It is shown once: copy it now.</label>
      <textarea id="token" readonly rows={5} spellcheck={false} autocomplete="off" autofocus>
        {token}
      </textarea>
      <div class="row">
        <p class="soft grow">
          May use <Scopes scopes={scopes} />. Ends <Moment at={expiresAt} />.
        </p>
        <CopyButton of="token" what="the token" />
      </div>
    </div>
  );
}

function Active({ token, csrf, id }: { token: ActiveToken; csrf: string | undefined; id: string }) {
  return (
    <li>
      <form class="row" method="post" action="/">
        <input type="hidden" name="action" value="end-token" />
        <input type="hidden" name="grant_id" value={token.grantId} />
        <Csrf value={csrf} />
        <div class="grow" id={id}>
          <Scopes scopes={token.scopes} />
          <p class="soft">
            Issued <Moment at={token.issuedAt} />, ends <Moment at={token.expiresAt} />
          </p>
        </div>
        <button type="submit" class="small" aria-describedby={id}>
          End
        </button>
      </form>
    </li>
  );
}

function Scopes({ scopes }: { scopes: readonly string[] }) {
  return <code>{scopes.join(' ')}</code>;
}
