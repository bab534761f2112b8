import { page } from './page.tsx';
import { Foreign, type ScopeChoice, ScopeChoices } from './parts.tsx';
import { plainText, plainUri } from './text.ts';

export interface ConsentProps {
  /** What the client says of itself. */
  client: { name?: string; id: string; uri?: string };
  redirectUri: string;
  /** The redirect URI's host, or whatever names the program that opens it. */
  redirectHost: string;
  /** Whether the client can only be reached on this computer: any program here could be it. */
  loopbackOnly: boolean;
  scopes: ScopeChoice[];
  /** The sealed request, for the hidden field `request`. */
  request: string;
  /** Where the form goes. */
  action: string;
  /** The protected resource's identifier (RFC 8707). */
  resource: string;
}

/**
 * The consent page, 200: whom the person would let in, and to what. Its form
 * posts `decision` (`approve` or `deny`), the ticked `scope`s and `request`.
 */
export function consentPage(props: ConsentProps): Response {
  const name = plainText(props.client.name ?? '');
  return page(
    { status: 200, title: 'Allow this app?', clientFlow: true },
    <main>
      <h1>Allow this app?</h1>
      <p>
        Approving sends you to <strong>{plainUri(props.redirectHost)}</strong>
      </p>
      {name ? (
        <p>
          It calls itself “<Foreign>{name}</Foreign>”. It registered itself; the name is not verified.
        </p>
      ) : (
        <p>It registered itself and gave no name.</p>
      )}
      {props.loopbackOnly ? <p>Only approve if you just started this on this computer.</p> : null}
      <form method="post" action={props.action} autocomplete="off">
        <input type="hidden" name="request" value={props.request} />
        <ScopeChoices scopes={props.scopes} legend="It asks to" />
        <button type="submit" name="decision" value="approve">
          Approve
        </button>
        <button type="submit" name="decision" value="deny">
          Deny
        </button>
      </form>
      <dl>
        <dt>Sends you to</dt>
        <dd>{plainUri(props.redirectUri)}</dd>
        <dt>Client</dt>
        <dd>{plainUri(props.client.id)}</dd>
        <dt>Server</dt>
        <dd>{plainUri(props.resource)}</dd>
      </dl>
    </main>,
  );
}
