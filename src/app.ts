import { randomBytes } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { declaredScopes, impliedScopes } from './access/declared-scopes.ts';
import { createMessageLimit } from './access/door.ts';
import { createDpop } from './access/dpop.ts';
import { createOriginRule } from './access/origin.ts';
import type { RecordCall } from './access/record-call.ts';
import { createResourceDirectory, resourceMetadataUrl } from './access/resources.ts';
import { createRevocationList } from './access/revocation-list.ts';
import { SCOPES, type ScopeDeclarations } from './access/scopes.ts';
import type { Config } from './config.ts';
import type { IdentityToken } from './entra/assertion-source.ts';
import { entraEndpoints } from './entra/endpoints.ts';
import { asksUserRead, graphOrigin } from './entra/graph.ts';
import { managedIdentityToken } from './entra/managed-identity.ts';
import { healthEndpoint, probeKeys, readinessEndpoint } from './health.ts';
import type { Endpoint } from './http/endpoint.ts';
import { notFound } from './http/responses.ts';
import { warnOfExpiry } from './keys/certificate.ts';
import { createKeyRing } from './keys/key-ring.ts';
import { type RandomBytes, randomText } from './keys/random.ts';
import { parseSecrets } from './keys/secret.ts';
import type { Logger } from './log.ts';
import type { Prompt } from './mcp/define-prompt.ts';
import type { Resource } from './mcp/define-resource.ts';
import type { Tool } from './mcp/define-tool.ts';
import { createMcpEndpoint } from './mcp/endpoint.ts';
import type { Presentation } from './mcp/presentation.ts';
import { createResourceMetadataEndpoint } from './mcp/resource-metadata.ts';
import type { FetchDocument } from './oauth/clients/documents/public-fetch.ts';
import { preregisteredClients } from './oauth/clients/preregistered-clients.ts';
import type { OAuthEndpoints } from './oauth/index.ts';
import { authorizationServerMetadata, jwksDocument } from './oauth/metadata.ts';
import { openUsedNames } from './storage/assertions.ts';
import { createStorageCheck } from './storage/check.ts';
import { openNotes } from './storage/notes.ts';
import type { PurgeReport } from './storage/purge.ts';
import { openRevocationRows } from './storage/revocations.ts';
import { openTables } from './storage/tables.ts';
import { createWriteBehind, type Defer } from './storage/write-behind.ts';
import { createTelemetry, noTelemetry } from './telemetry/telemetry.ts';

/** What an app reaches outside of itself; a test hands in its own. */
export interface Surroundings {
  readonly log: Logger;
  readonly version: string;
  /** Milliseconds since the epoch. */
  readonly now?: () => number;
  readonly random?: RandomBytes;
  /** The only way to Entra. */
  readonly fetch?: typeof globalThis.fetch;
  /** The way to clients' metadata documents and keys; one that leads to public addresses alone unless another is given. */
  readonly fetchDocument?: FetchDocument;
  /** Asks the platform for a managed identity's token, to be used as a client assertion at Entra. */
  readonly identityToken?: (clientId: string, audience: string) => Promise<IdentityToken>;
  /** Waits, in milliseconds. */
  readonly wait?: (ms: number) => Promise<unknown>;
  /** Does something some milliseconds later, which no request waits for. */
  readonly defer?: Defer;
  /**
   * The scopes of `/mcp`, in the order in which clients read them, each with what people read that it allows and, where
   * it brings others with it, with these; `profile` alone unless given. A token tells name and e-mail only where
   * `profile` is one and was approved.
   */
  readonly scopes?: ScopeDeclarations;
  /** What is served at `/mcp`; each nothing unless given. */
  readonly tools?: readonly Tool[];
  readonly resources?: readonly Resource[];
  readonly prompts?: readonly Prompt[];
  /** What people, clients and models see of the server; its name unless given is `MCP server`. */
  readonly presentation?: Presentation;
}

/** What answers requests: the parts of the authorization server, the MCP endpoint, and the documents about both. */
export type EndpointName =
  | keyof OAuthEndpoints
  | 'mcp'
  | 'gateway'
  | 'resourceMetadata'
  | 'serverMetadata'
  | 'jwks'
  | 'health'
  | 'ready'
  | 'notFound';

/** An app whose parts are put together: what it answers, and what it does at times. */
export interface App {
  /** An endpoint, by its name; its code may be loaded only now. */
  endpoint(name: EndpointName): Promise<Endpoint>;
  /** Deletes what is due; see `storage/purge.ts`. */
  purge(): Promise<PurgeReport>;
  /** Writes what lies in memory only: before the process ends, and for tests. Never fails. */
  flush(): Promise<void>;
  /** Loads what the first answer does not need and later ones do. Never fails. */
  preload(): Promise<void>;
}

/**
 * The composition root: settings in, endpoints out. The only place that knows
 * every room. Nothing is sent anywhere before the first request, and what only a
 * sign-in needs is loaded when somebody signs in.
 *
 * @throws Error where a tool needs a scope that there is not, or two of a kind bear one name
 */
export function createApp(config: Config, surroundings: Surroundings): App {
  const { log, version, now = Date.now, random = size => randomBytes(size), fetch = globalThis.fetch } = surroundings;
  const { tools = [], resources = [], prompts = [], presentation = { name: 'MCP server' } } = surroundings;
  const { identityToken = managedIdentityToken, wait = setTimeout, defer = unhurried } = surroundings;
  const { origin, resource } = config;
  const preregistered = preregisteredClients(config.clients.preregistered);
  const served = [...tools, ...resources, ...prompts];
  const { scopes = { profile: SCOPES.profile } } = surroundings;
  const directory = createResourceDirectory(config, {
    name: presentation.name,
    scopes: declaredScopes(scopes, served),
    roles: [...new Set(served.flatMap(({ roles }) => roles))],
  });
  const server = { ...presentation, version, startedAt: now() };

  const { credential } = config.entra;
  if (credential.kind === 'certificate') warnOfExpiry(credential.certificate, now(), log);

  const { telemetry: insights } = config;
  const keys = once(async () => createKeyRing(config.secrets ?? parseSecrets(await localSecret())));
  const telemetry = insights
    ? createTelemetry({
        open: async () => {
          const { openApplicationInsights } = await import('./telemetry/application-insights.ts');
          return openApplicationInsights({ ...insights, version, random, fetch, wait, log });
        },
        sampling: insights.sampling,
        keys,
        now,
        log,
      })
    : noTelemetry;
  const tables = openTables({ connection: config.storage, ...(insights ? { onTrip: telemetry.storageTrip } : {}) });
  const writer = createWriteBehind(tables, defer, log);
  const revocations = createRevocationList(openRevocationRows(tables), now, log);
  const dpop = createDpop({ keys, now });
  const storageAnswers = createStorageCheck(tables);
  const notes = openNotes(tables, { now, random, limit: config.notesPerPerson });

  /** A laptop's own key; `loadConfig` lets it be missing on loopback alone. */
  async function localSecret(): Promise<string> {
    const { generatedSecret } = await import('./storage/generated-secret.ts');
    return generatedSecret(tables, () => randomText(random, 48));
  }

  const oauth = once(async () => {
    const { composeAuthorizationServer } = await import('./authorization-server.ts');
    return composeAuthorizationServer({
      config,
      tables,
      writer,
      keys,
      notes,
      revocations,
      dpop,
      preregistered,
      resources: directory,
      server,
      log,
      now,
      random,
      wait,
      fetch,
      identityToken,
      ...(surroundings.fetchDocument ? { fetchDocument: surroundings.fetchDocument } : {}),
    });
  });

  const { authorityHost } = config.entra;

  /** What both MCP endpoints ask of everybody. */
  const door = {
    issuer: origin,
    isOriginAllowed: createOriginRule({
      publicOrigin: origin,
      ...(config.allowedOrigins ? { allowedOrigins: config.allowedOrigins } : {}),
    }),
    keys,
    revocations,
    dpop,
    random,
    limit: createMessageLimit(config.mcpRateLimit, now),
    now,
  };

  const record: RecordCall = async (...event) => (await oauth()).audit.record(...event);

  const gateway = once(async () => {
    const { createGateway } = await import('./gateway/endpoint.ts');
    return createGateway({
      ...door,
      ...config.gateway,
      timeoutMs: config.gateway.timeoutSeconds * 1000,
      streaming: config.httpStreaming,
      fetch,
      record,
    });
  });

  const loaded = {
    mcp: createMcpEndpoint({
      ...door,
      resource,
      scopes: Object.keys(scopes),
      implied: impliedScopes(scopes),
      resourceMetadataUrl: resourceMetadataUrl(resource),
      services: {
        notes,
        storageAnswers,
        tokenFor: async request => (await oauth()).tokenFor(request),
        graph: { url: `${graphOrigin(authorityHost)}/v1.0`, fetch, userRead: asksUserRead(config.entra) },
      },
      tools,
      resources,
      prompts,
      server: { ...server, websiteUrl: `${origin}/` },
      usedStates: openUsedNames(tables, 'request state'),
      record,
      toolTimeLimitMs: config.toolTimeoutSeconds * 1000,
    }),
    resourceMetadata: createResourceMetadataEndpoint({
      issuer: origin,
      resources: directory.all.filter(({ kind }) => kind !== 'external'),
    }),
    serverMetadata: authorizationServerMetadata({
      origin,
      resources: directory.all,
      registration: config.clients.registration,
      documents: config.clients.documents,
      introspection: config.clients.preregistered.some(client => client.introspection),
    }),
    jwks: jwksDocument(keys),
    health: healthEndpoint(version),
    ready: readinessEndpoint({
      parts: {
        storage: storageAnswers,
        keys: async () => (await keys()) !== undefined,
        entra: probeKeys(entraEndpoints(authorityHost, config.entra.tenantId).jwksUri, fetch),
      },
      version,
      now,
    }),
    notFound,
  };
  const isLoaded = (name: EndpointName): name is keyof typeof loaded => Object.hasOwn(loaded, name);

  async function endpointOf(name: EndpointName): Promise<Endpoint> {
    if (name === 'gateway') return gateway();
    return isLoaded(name) ? loaded[name] : (await oauth()).endpoints[name];
  }

  return {
    endpoint: async name => {
      const endpoint = await endpointOf(name);
      return UNTRACED.has(name) ? endpoint : telemetry.traced(name, endpoint);
    },
    purge: async () => {
      await writer.flush();
      const report = await (await import('./storage/purge.ts')).purge(tables, now(), config);
      telemetry.count('purges');
      // The instance may have been started for this alone.
      await telemetry.flush();
      return report;
    },
    flush: async () => {
      await Promise.all([writer.flush(), telemetry.flush()]);
    },
    preload: async () => {
      await Promise.allSettled([import('./mcp/server.ts'), tables.preload(), keys(), telemetry.preload()]);
    },
  };
}

/** Documents and probes: the host tells of them enough. */
const UNTRACED: ReadonlySet<EndpointName> = new Set(['resourceMetadata', 'serverMetadata', 'jwks', 'health', 'ready']);

/** A timer that keeps no process alive. */
const unhurried: Defer = (run, ms) => void globalThis.setTimeout(run, ms).unref();

/** Runs an asynchronous maker once and shares its result; a failure is forgotten, so that the next ask tries again. */
function once<T>(make: () => Promise<T>): () => Promise<T> {
  let made: Promise<T> | undefined;
  return () => {
    if (!made) {
      made = make();
      made.catch(() => {
        made = undefined;
      });
    }
    return made;
  };
}
