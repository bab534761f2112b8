import { connectLines } from './connect.ts';
import { page } from './page.tsx';
import { CopyButton, Foreign, Moment, type ScopeChoice, ScopeChoices } from './parts.tsx';
import { plainText } from './text.ts';

/** A token for scripts that was issued just now: the only time it is shown. */
export interface IssuedToken {
  token: string;
  expiresAt: Date;
  scopes: string[];
  grantId: string;
}

/** A token for scripts that has not ended. */
export interface ActiveToken {
  grantId: string;
  scopes: string[];
  issuedAt: Date;
  expiresAt: Date;
}

export interface LandingProps {
  mcpUrl: string;
  serverName: string;
  version: string;
  /** Who is signed in, or nobody. */
  person?: { name?: string; email?: string };
  scriptTokens: {
    /** The setting: no form where it is off; tokens issued before can still be ended. */
    enabled: boolean;
    scopes: ScopeChoice[];
    /** Signed in less than 15 minutes ago; else the page offers to sign in again. */
    canIssue: boolean;
    /** Goes into every form of the page. */
    csrf?: string;
    issued?: IssuedToken;
    active: ActiveToken[];
  };
  /** One sentence at the top, such as "You are signed out." */
  notice?: string;
}

/**
 * The landing page, 200: the server's address, who is signed in, and tokens for
 * scripts. Its forms post to `/` (`action=issue-token` with `scope`s, or
 * `action=end-token` with `grant_id`) and to `/auth/logout`, each with `csrf`.
 */
export function landingPage(props: LandingProps): Response {
  const { person, scriptTokens } = props;
  return page(
    { status: 200, title: props.serverName, script: true },
    <>
      <header>
        <strong>{props.serverName}</strong>
        {person ? <SignedIn person={person} csrf={scriptTokens.csrf} /> : <a href="/auth/login">Sign in</a>}
      </header>
      <main>
        {props.notice ? <p role="status">{props.notice}</p> : null}
        <h1>Connect your MCP client</h1>
        <Address mcpUrl={props.mcpUrl} serverName={props.serverName} />
        {person ? <ScriptTokens {...scriptTokens} /> : null}
      </main>
      <footer>
        {props.serverName} {props.version}
      </footer>
    </>,
  );
}

function SignedIn({ person, csrf }: { person: { name?: string; email?: string }; csrf: string | undefined }) {
  const name = plainText(person.name ?? '') || plainText(person.email ?? '') || 'You';
  return (
    <form method="post" action="/auth/logout">
      <Csrf value={csrf} />
      <Foreign>{name}</Foreign> <button type="submit">Sign out</button>
    </form>
  );
}

function Csrf({ value }: { value: string | undefined }) {
  return value === undefined ? null : <input type="hidden" name="csrf" value={value} />;
}

function Address({ mcpUrl, serverName }: { mcpUrl: string; serverName: string }) {
  return (
    <section>
      <label for="mcp-url">MCP server URL</label>
      <input id="mcp-url" type="text" readonly value={mcpUrl} />
      <CopyButton of="mcp-url" what="the URL" />
      <details>
        <summary>Add it to your client</summary>
        {connectLines(serverName, mcpUrl).map(({ client, where, line }, index) => (
          <div>
            <h2>
              {client} <span>{where}</span>
            </h2>
            <code id={`line-${index}`}>{line}</code>
            <CopyButton of={`line-${index}`} what={`the line for ${client}`} />
          </div>
        ))}
      </details>
    </section>
  );
}

function ScriptTokens({ enabled, scopes, canIssue, csrf, issued, active }: LandingProps['scriptTokens']) {
  if (!enabled && active.length === 0) return null;
  return (
    <section aria-labelledby="tokens">
      <h2 id="tokens">Tokens for scripts</h2>
      {issued ? <Issued {...issued} /> : null}
      {enabled && canIssue ? (
        <form method="post" action="/" autocomplete="off">
          <input type="hidden" name="action" value="issue-token" />
          <Csrf value={csrf} />
          <ScopeChoices scopes={scopes} legend="The token may" />
          <button type="submit">Issue a token</button>
        </form>
      ) : null}
      {enabled && !canIssue ? (
        <p>
          To issue a token, <a href="/auth/login">sign in again</a>.
        </p>
      ) : null}
      {active.map(token => (
        <form method="post" action="/">
          <input type="hidden" name="action" value="end-token" />
          <input type="hidden" name="grant_id" value={token.grantId} />
          <Csrf value={csrf} />
          {token.scopes.join(', ')}, until <Moment at={token.expiresAt} /> <button type="submit">End</button>
        </form>
      ))}
    </section>
  );
}

function Issued({ token, expiresAt, scopes }: IssuedToken) {
  return (
    <div>
      <label for="token">Your token, shown once</label>
      <textarea id="token" readonly rows={4}>
        {token}
      </textarea>
      <CopyButton of="token" what="the token" />
      <p>
        {scopes.join(', ')}, until <Moment at={expiresAt} />
      </p>
    </div>
  );
}
