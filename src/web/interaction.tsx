import { page } from './page.tsx';
import { Foreign, Mark } from './parts.tsx';
import { plainText } from './text.ts';

export interface InteractionProps {
  /** What the application calls itself; empty where it gave no name. */
  readonly client: string;
  /** What a tool wants of another service: Entra's scopes. */
  readonly scopes: readonly string[];
  /** For the form's hidden field `id`. */
  readonly id: string;
  /** Where the form goes. */
  readonly action: string;
  /** Whether Microsoft is to ask which account to use. */
  readonly otherAccount: boolean;
}

/**
 * The page between a tool that needs more of Microsoft and Microsoft's own, 200.
 * It does not say whose application it is: whoever has the address can open it.
 */
export function interactionPage(props: InteractionProps): Response {
  const client = plainText(props.client);
  return page(
    { status: 200, title: 'Go on with Microsoft?', clientFlow: true },
    <main class="card">
      <Mark />
      <h1>Go on with Microsoft?</h1>
      <div class="intro">
        <p>
          {client ? (
            <>
              An application that calls itself{' '}
              <strong>
                “<Foreign>{client}</Foreign>”
              </strong>
            </>
          ) : (
            'An application'
          )}{' '}
          asked this server for something that Microsoft wants to see you for first.
        </p>
        <p class="soft">Sign in with the account that you use with that application.</p>
      </div>
      <p class="note warn">
        <strong>Only go on if you just asked for this yourself.</strong> If somebody else gave you this address, close
        the page.
      </p>
      <form method="post" action={props.action} autocomplete="off">
        <input type="hidden" name="id" value={props.id} />
        {props.otherAccount ? <input type="hidden" name="prompt" value="select_account" /> : null}
        <dl class="facts">
          <div>
            <dt>What the server wants to use for you</dt>
            {props.scopes.map(scope => (
              <dd>{plainText(scope)}</dd>
            ))}
          </div>
        </dl>
        <div class="actions">
          <button type="submit" class="main">
            Go on to Microsoft
          </button>
        </div>
      </form>
    </main>,
  );
}

/** The page after it, 200. */
export function interactionDonePage(): Response {
  return page(
    { status: 200, title: 'Done', clientFlow: true },
    <main class="card">
      <Mark />
      <h1>Done</h1>
      <p>Go back to your application and ask again. You can close this page.</p>
    </main>,
  );
}
