/**
 * A stand-in for Microsoft Entra ID, for one tenant and one application, on loopback only.
 *
 * The protocol is oidc-provider's. What stands before it (`front.ts`) refuses what Entra refuses, what stands after it
 * (`provider.ts`) makes its answers Entra's.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { JWTPayload } from 'jose';
import { createCredentials, type FederatedIdentity } from './credentials.ts';
import { claimsFor, createDemands } from './demands.ts';
import { createFront, type Endpoint, type Fault, type RecordedRequest } from './front.ts';
import { graphHandler } from './graph.ts';
import { metadataOf, pathsOf } from './paths.ts';
import { defaultTenantId, type Person, type PersonName, peopleOf } from './people.ts';
import { createProvider } from './provider.ts';
import { signIn, signOut } from './sign-in-page.ts';
import { type IdTokenChange, newSigningKey } from './tokens.ts';

export type { FederatedIdentity } from './credentials.ts';
export type { Endpoint, Fault, RecordedRequest } from './front.ts';
export { type Person, type PersonName, personNames } from './people.ts';

const HOST = '127.0.0.1';

export interface EntraOptions {
  /** 0 or absent: a free one. */
  port?: number;
  tenantId?: string;
  /** What stands in the addresses instead of the tenant, for people of many: each token then is of its person's own. */
  audience?: 'organizations' | 'common' | 'consumers';
  clientId?: string;
  /** Absent, with the next two: a public client. */
  clientSecret?: string;
  /** The certificate that the application has instead of a secret, in PEM. */
  certificate?: string;
  /** The identity that the application trusts instead: a federated credential. */
  federatedIdentity?: FederatedIdentity;
  /** Compared exactly; also where signing out may return to. */
  redirectUris: string[];
  /** Where it is reached, when that is not its own port but something that stands before it: `http://localhost:PORT`. */
  url?: string;
  /** Milliseconds since 1970, for what stands in tokens and errors. Codes and sessions end by the real clock. */
  now?: () => number;
}

export interface Entra {
  /** `http://localhost:PORT`, the authority's host. */
  url: string;
  /** The one it listens on. */
  port: number;
  tenantId: string;
  clientId: string;
  clientSecret: string | undefined;
  people: Record<PersonName, Person>;
  /** Every request so far, oldest first. */
  requests: RecordedRequest[];
  /** Makes an endpoint fail until it is told otherwise (`undefined`). */
  fail(endpoint: Endpoint, fault: Fault | undefined): void;
  /** Disables somebody's account from now on: no sign-in, no renewal (AADSTS50057). */
  disable(name: PersonName): void;
  /** Changes what Entra knows of somebody: the next answers say so. */
  change(name: PersonName, change: Partial<Omit<Person, 'oid' | 'tid'>>): void;
  /** Takes back somebody's consent to scopes of an API: token requests for them are AADSTS65001 until she has given it. */
  requireConsent(name: PersonName, scopes: readonly string[]): void;
  /**
   * Demands an authentication context of somebody from now on: Entra for tokens with a scope (AADSTS50076), or Graph in
   * every token (401 with a claims challenge). A sign-in that is asked with the challenge's claims has met it.
   */
  challenge(name: PersonName, where: { scope: string } | 'graph', context?: string): void;
  /** Whether the federated credential is known everywhere (it is from the start): a new one takes minutes. */
  spreadFederatedIdentity(spread: boolean): void;
  /** Makes id tokens wrong from now on, to see them refused: other claims, or a signature that does not verify. */
  spoilIdTokens(change: { claims?: (claims: JWTPayload) => JWTPayload; forged?: boolean } | undefined): Promise<void>;
  /** Answers token requests with these scopes too from now on, whatever was asked. */
  giveScopes(scopes: readonly string[]): void;
  stop(): Promise<void>;
}

/**
 * Starts the stand-in and resolves when it listens.
 * @throws Error naming the port when it is in use
 */
export async function startEntra(options: EntraOptions): Promise<Entra> {
  const { redirectUris, now = Date.now } = options;
  const credentials = createCredentials(options, now);
  // Who proves themselves by an assertion is known to oidc-provider by a secret that nobody else knows.
  const clientSecret = options.clientSecret ?? credentials?.secret;
  const tenantId = options.tenantId ?? defaultTenantId;
  const clientId = options.clientId ?? '5d8e3b17-0c42-4a9f-b6d1-8f27c4e0a935';
  const people = peopleOf(tenantId);
  const paths = pathsOf(options.audience ?? tenantId);
  const key = await newSigningKey();
  const disabled = new Set<Person>([people.disabled]);
  const isDisabled = (person: Person) => disabled.has(person);
  const requests: RecordedRequest[] = [];
  const faults = new Map<Endpoint, Fault>();
  let idTokenChange: IdTokenChange | undefined;
  const demands = createDemands(clientId);
  const demandedByGraph = new Map<Person, string>();
  let moreScopes: readonly string[] = [];

  const server = createServer();
  const port = await listen(server, options.port ?? 0);
  const url = options.url ?? `http://localhost:${port}`;
  const provider = createProvider({
    issuer: `${url}/${options.audience ?? tenantId}/v2.0`,
    issuerOf: ({ tid }) => `${url}/${options.audience ? tid : tenantId}/v2.0`,
    port,
    tenantId,
    clientId,
    clientSecret,
    redirectUris,
    people: Object.values(people),
    paths,
    key,
    isDisabled,
    demands,
    idTokenChange: () => idTokenChange,
    moreScopes: () => moreScopes,
    now,
  });
  const pages = { provider, clientId, redirectUris, people, isDisabled, demands, now };
  const metadata = JSON.stringify(metadataOf(url, tenantId, paths));
  server.on(
    'request',
    createFront({
      paths,
      requests,
      faults,
      provider: provider.callback(),
      credentials,
      handlers: {
        signIn: (req, res, form) => signIn(req, res, form, pages),
        graph: graphHandler({
          people: Object.values(people),
          challengeOf: person => {
            const context = demandedByGraph.get(person);
            return context === undefined ? undefined : { context, claims: claimsFor(context) };
          },
          paths,
          key,
          now,
        }),
        logout: (req, res) => signOut(req, res, pages),
        metadata: async (_req, res) => res.writeHead(200, { 'content-type': 'application/json' }).end(metadata),
      },
      now,
    }),
  );

  return {
    url,
    port,
    tenantId,
    clientId,
    clientSecret: options.clientSecret,
    people,
    requests,
    fail: (endpoint, fault) => {
      if (fault === undefined) faults.delete(endpoint);
      else faults.set(endpoint, fault);
    },
    change: (name, change) => {
      Object.assign(people[name], change);
    },
    disable: name => {
      disabled.add(people[name]);
    },
    requireConsent: (name, scopes) => demands.requireConsent(people[name], scopes),
    challenge: (name, where, context = 'c1') => {
      if (where === 'graph') demandedByGraph.set(people[name], context);
      else demands.requireContext(people[name], where.scope, context);
    },
    spreadFederatedIdentity: spread => {
      if (credentials) credentials.hasSpread = spread;
    },
    spoilIdTokens: async change => {
      idTokenChange = change && {
        ...(change.claims === undefined ? {} : { claims: change.claims }),
        ...(change.forged ? { key: { ...(await newSigningKey()), kid: key.kid } } : {}),
      };
    },
    giveScopes: scopes => {
      moreScopes = scopes;
    },
    stop: async () => {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

async function listen(server: ReturnType<typeof createServer>, port: number): Promise<number> {
  try {
    await once(server.listen(port, HOST), 'listening');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new Error(
      `Port ${port} on ${HOST} is in use, so the Entra stand-in cannot start there. Stop what listens on it, or choose another port.`,
    );
  }
  return (server.address() as AddressInfo).port;
}
