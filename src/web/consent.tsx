import { page } from './page.tsx';
import { Foreign, Mark, type ScopeChoice, ScopeChoices } from './parts.tsx';
import { plainText, plainUri } from './text.ts';

export interface ConsentProps {
  /** What the client says of itself. */
  readonly client: { readonly name?: string | undefined; readonly id: string; readonly uri?: string | undefined };
  readonly redirectUri: string;
  /** The redirect URI's host; for a private-use scheme whatever names the program that opens it. */
  readonly redirectHost: string;
  /** Whether all of the client's redirect URIs are on this computer: any program here could be it. */
  readonly loopbackOnly: boolean;
  readonly scopes: readonly ScopeChoice[];
  /** The sealed request, for the hidden field `request`. */
  readonly request: string;
  /** Where the form goes. */
  readonly action: string;
  /** The protected resource's identifier (RFC 8707). */
  readonly resource: string;
}

/**
 * The consent page, 200: whom the person would let in, and to what. What is
 * certain, the redirect host, comes first; what the client says of itself is
 * marked so and never a link. The form posts `decision` (`approve` or `deny`),
 * the ticked `scope`s and `request`.
 */
export function consentPage(props: ConsentProps): Response {
  const { client, loopbackOnly } = props;
  const name = plainText(client.name ?? '');
  return page(
    { status: 200, title: 'Allow this app?', clientFlow: true },
    <main class="card">
      <Mark />
      <h1>Allow this app?</h1>
      <div class="intro">
        <p class="soft">{loopbackOnly ? 'Approving opens a program on this computer, at' : 'Approving sends you to'}</p>
        <p class="host">{plainUri(props.redirectHost)}</p>
        <p class="soft">
          {name ? (
            <>
              It calls itself{' '}
              <strong>
                “<Foreign>{name}</Foreign>”
              </strong>
              . It registered itself, and nobody has verified that name.
            </>
          ) : (
            'It registered itself and gave no name.'
          )}
        </p>
      </div>
      {loopbackOnly ? (
        <p class="note warn">
          <strong>Only approve if you just started this on this computer.</strong> Any program that runs here can call
          itself what it likes and open this page.
        </p>
      ) : null}
      <form method="post" action={props.action} autocomplete="off">
        <input type="hidden" name="request" value={props.request} />
        {props.scopes.length > 0 ? (
          <ScopeChoices scopes={props.scopes} legend="It asks to" />
        ) : (
          <p>It asks for nothing but that you sign in.</p>
        )}
        <dl class="facts">
          <Fact term="The whole address" value={props.redirectUri} />
          <Fact term="Client ID" value={client.id} />
          {client.uri ? <Fact term="Website, by its own word" value={client.uri} /> : null}
          <Fact term="Gives access to" value={props.resource} />
        </dl>
        <div class="actions">
          <button type="submit" class="main" name="decision" value="approve">
            Approve
          </button>
          <button type="submit" name="decision" value="deny">
            Deny
          </button>
        </div>
      </form>
      <p class="soft">Nothing is shared before you approve and sign in with Microsoft.</p>
    </main>,
  );
}

function Fact({ term, value }: { term: string; value: string }) {
  return (
    <div>
      <dt>{term}</dt>
      <dd>{plainUri(value)}</dd>
    </div>
  );
}
