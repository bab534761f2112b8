import type { TokenFor } from './access/downstream.ts';
import type { Dpop } from './access/dpop.ts';
import type { ResourceDirectory } from './access/resources.ts';
import type { RevocationList } from './access/revocation-list.ts';
import type { Config } from './config.ts';
import { createEntra, type EntraOptions } from './entra/sign-in.ts';
import { cookieNames } from './http/cookies.ts';
import type { KeyRing } from './keys/key-ring.ts';
import type { RandomBytes } from './keys/random.ts';
import type { Logger } from './log.ts';
import { type Audit, createAudit } from './oauth/audit.ts';
import type { Client } from './oauth/clients/client.ts';
import { createClientDirectory } from './oauth/clients/directory.ts';
import { createClientDocuments } from './oauth/clients/documents/client-documents.ts';
import { createPublicFetch, type FetchDocument } from './oauth/clients/documents/public-fetch.ts';
import { createRegisteredClients } from './oauth/clients/registered-clients.ts';
import { createTokenFor } from './oauth/downstream/token-for.ts';
import { createOAuth, type OAuthEndpoints } from './oauth/index.ts';
import { createLimits } from './oauth/limits.ts';
import type { ServerFacts } from './oauth/people/landing.ts';
import type { OAuthServices } from './oauth/services.ts';
import { RedeemedChallenges } from './oauth/tokens/redeemed-challenges.ts';
import { SharedCalls } from './oauth/tokens/shared-calls.ts';
import { openAssertions } from './storage/assertions.ts';
import { openAudit } from './storage/audit.ts';
import { openClients } from './storage/clients.ts';
import { openConnections } from './storage/connections.ts';
import { openErasure } from './storage/erasure.ts';
import { openGrants } from './storage/grants.ts';
import type { Notes } from './storage/notes.ts';
import { openRevocationRows } from './storage/revocations.ts';
import { openSessions } from './storage/sessions.ts';
import { openSignins } from './storage/signins.ts';
import type { Tables } from './storage/tables.ts';
import type { WriteBehind } from './storage/write-behind.ts';

/** What the authorization server takes from the rest of the app. */
export interface AuthorizationServerParts extends EntraOptions {
  readonly config: Config;
  readonly tables: Tables;
  readonly writer: WriteBehind;
  readonly keys: () => Promise<KeyRing>;
  readonly notes: Notes;
  readonly revocations: RevocationList;
  readonly dpop: Dpop;
  readonly preregistered: ReadonlyMap<string, Client>;
  readonly resources: ResourceDirectory;
  readonly server: ServerFacts;
  readonly log: Logger;
  readonly random: RandomBytes;
  /** The way to clients' documents; to public addresses alone unless it is given. */
  readonly fetchDocument?: FetchDocument;
}

export interface AuthorizationServer {
  readonly endpoints: OAuthEndpoints;
  /** Tokens of other APIs, for the tools. */
  readonly tokenFor: TokenFor;
  /** The record, for what the gateway does. */
  readonly audit: Audit;
}

/** Puts the authorization server together: the half of the app that is loaded when the first request for it comes. */
export function composeAuthorizationServer(parts: AuthorizationServerParts): AuthorizationServer {
  const { config, tables, keys, resources, now, random, log } = parts;
  const { origin, resource, clients } = config;
  const registrations = openClients(tables);
  const events = openAudit(tables, parts.writer);
  const fetchDocument = parts.fetchDocument ?? createPublicFetch();
  const services: OAuthServices = {
    origin,
    resource,
    resources,
    cookies: cookieNames(origin),
    keys,
    entra: createEntra(config.entra, parts),
    signins: openSignins(tables, parts.writer),
    grants: openGrants(tables),
    notes: parts.notes,
    erasure: openErasure(tables),
    audit: createAudit(events, now, random),
    records: {
      events,
      blocks: openRevocationRows(tables),
      connections: openConnections(tables, parts.writer),
    },
    clients: createClientDirectory({
      preregistered: parts.preregistered,
      ...(clients.documents ? { documents: createClientDocuments({ ...clients, fetchDocument, now }) } : {}),
      registered: createRegisteredClients(registrations, now),
      log,
    }),
    assertions: openAssertions(tables),
    registration: {
      isOpen: clients.registration,
      clients: registrations,
      privateUseSchemes: clients.privateUseSchemes,
    },
    limits: createLimits({ trustedProxyHops: config.trustedProxyHops, now }),
    sessions: openSessions(tables),
    revocations: parts.revocations,
    dpop: parts.dpop,
    redeemedChallenges: new RedeemedChallenges(now),
    introspectors: clients.preregistered.filter(client => client.introspection),
    renewals: new SharedCalls(now),
    adminTenants: config.entra.adminTenants,
    keptRoles: (kept, roles) => (resources.get(kept)?.roles ?? []).filter(role => roles.includes(role)).join(' '),
    offlineGraceSeconds: config.entra.offlineGraceSeconds,
    tokenExpirySeconds: config.tokenExpirySeconds,
    refreshRetrySeconds: config.refreshRetrySeconds,
    refreshIdleSeconds: config.refreshIdleSeconds,
    refreshMaxSeconds: config.refreshMaxSeconds,
    scriptTokens: config.scriptTokens,
    now,
    random,
  };
  return { endpoints: createOAuth(services, parts.server), tokenFor: createTokenFor(services), audit: services.audit };
}
