import { page } from './page.tsx';
import { Foreign, Mark, type ScopeChoice, ScopeChoices } from './parts.tsx';
import { plainText, plainUri, quotedText } from './text.ts';

/** What a host takes at the most (RFC 1035 section 3.1), in characters, and some words beside a scheme. */
const LONGEST_HOST = 300;

/** Whose word a client's description is. */
export type ClientOrigin =
  | { readonly kind: 'registered' }
  | {
      readonly kind: 'document';
      /** Where the metadata document was fetched from. */
      readonly host: string;
    }
  | { readonly kind: 'preregistered' };

export interface ConsentProps {
  /** What the client says of itself. */
  readonly client: { readonly name?: string | undefined; readonly id: string };
  readonly source: ClientOrigin;
  readonly redirectUri: string;
  /** The redirect URI's host; for a private-use scheme whatever names the program that opens it. */
  readonly redirectHost: string;
  /** Whether the redirect URI opens a program on this computer, by loopback or a private-use scheme: any program here could be it. */
  readonly opensProgram: boolean;
  readonly scopes: readonly ScopeChoice[];
  /** Who is signed in, where the page comes after Entra: somebody else than the one who approved before. */
  readonly person?: { readonly name?: string | undefined; readonly email?: string | undefined } | undefined;
  /** The sealed request, for the hidden field `request`. */
  readonly request: string;
  /** Where the form goes. */
  readonly action: string;
  /** The protected resource's identifier (RFC 8707). */
  readonly resource: string;
  /** What it is called, where there are several. */
  readonly resourceName?: string | undefined;
}

/**
 * The consent page, 200: whom the person would let in, and to what. What is
 * certain, the redirect host, comes first; what the client says of itself is
 * marked so and never a link. The form posts `decision` (`approve` or `deny`),
 * the ticked `scope`s and `request`.
 */
export function consentPage(props: ConsentProps): Response {
  const { client, opensProgram, person } = props;
  const name = quotedText(client.name ?? '');
  return page(
    { status: 200, title: 'Allow this app?', clientFlow: true },
    <main class="card">
      <Mark />
      <h1>Allow this app?</h1>
      {person ? <SignedInAs person={person} /> : null}
      <div class="intro">
        <p class="soft">{opensProgram ? 'Approving opens a program on this computer:' : 'Approving sends you to'}</p>
        <p class="host">{plainText(props.redirectHost, LONGEST_HOST)}</p>
        <p class="soft">
          {name ? (
            <>
              It calls itself{' '}
              <strong>
                “<Foreign>{name}</Foreign>”
              </strong>
              .
            </>
          ) : (
            'It gave no name.'
          )}{' '}
          <Source source={props.source} opensProgram={opensProgram} />
        </p>
      </div>
      {opensProgram ? (
        <p class="note warn">
          <strong>Only approve if you just started this on this computer.</strong> Any program that runs here can call
          itself what it likes and open this page.
        </p>
      ) : null}
      <form method="post" action={props.action} autocomplete="off">
        <input type="hidden" name="request" value={props.request} />
        {props.scopes.length > 0 ? (
          <ScopeChoices scopes={props.scopes} legend={<Asking of={props.resourceName} />} />
        ) : (
          <p>It asks for nothing but that you sign in.</p>
        )}
        <dl class="facts">
          <Fact term="The whole address" value={props.redirectUri} />
          <Fact term="Client ID" value={client.id} />
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
      <p class="soft">Nothing is shared before you approve{person ? '' : ' and sign in with Microsoft'}.</p>
    </main>,
  );
}

/** What it wants access to, where that could be one of several, and begins what it may do there. */
function Asking({ of }: { of: string | undefined }) {
  return of === undefined ? (
    <>It asks to</>
  ) : (
    <>
      It asks for access to <Foreign>{plainText(of)}</Foreign>, to
    </>
  );
}

/** Where the description comes from. A document says nothing of the program that uses it, so only a website is told by it. */
function Source({ source, opensProgram }: { source: ClientOrigin; opensProgram: boolean }) {
  if (source.kind === 'registered') return <>It registered itself, unverified: nobody has checked what it says.</>;
  if (source.kind === 'preregistered') return <>The operator of this server has registered it.</>;
  return (
    <>
      Its description is published at <strong>{plainUri(source.host)}</strong>
      {opensProgram ? ', but it is not verified: any program on this computer can use that description.' : '.'}
    </>
  );
}

function SignedInAs({ person }: { person: NonNullable<ConsentProps['person']> }) {
  const name = plainText(person.name ?? '');
  const email = plainText(person.email ?? '');
  return (
    <p class="note" role="status">
      You are signed in as{' '}
      <strong>
        <Foreign>{name || email || 'somebody without a name'}</Foreign>
      </strong>
      {name && email ? (
        <>
          {' '}
          (<Foreign>{email}</Foreign>)
        </>
      ) : null}
      . What you approve is for this account.
    </p>
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
