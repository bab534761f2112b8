import type { Dpop } from '../access/dpop.ts';
import type { ResourceDirectory } from '../access/resources.ts';
import type { RevocationList } from '../access/revocation-list.ts';
import type { SignedIn } from '../entra/id-token.ts';
import type { Entra, Upstream } from '../entra/sign-in.ts';
import type { CookieNames } from '../http/cookies.ts';
import type { KeyRing } from '../keys/key-ring.ts';
import type { RandomBytes } from '../keys/random.ts';
import type { PreregisteredClient } from '../setting-values.ts';
import type { Assertions } from '../storage/assertions.ts';
import type { AuditRows } from '../storage/audit.ts';
import type { Clients } from '../storage/clients.ts';
import type { Connections } from '../storage/connections.ts';
import type { Erasure } from '../storage/erasure.ts';
import type { Grants } from '../storage/grants.ts';
import type { Notes } from '../storage/notes.ts';
import type { StoredRevocations } from '../storage/revocations.ts';
import type { Sessions } from '../storage/sessions.ts';
import type { Signins } from '../storage/signins.ts';
import type { Audit } from './audit.ts';
import type { ClientDirectory } from './clients/client.ts';
import type { Limits } from './limits.ts';
import type { RedeemedChallenges } from './tokens/redeemed-challenges.ts';
import type { SharedCalls } from './tokens/shared-calls.ts';

/** What the authorization server's endpoints share. */
export interface OAuthServices {
  /** The issuer and public origin. */
  readonly origin: string;
  /** Our own MCP endpoint. */
  readonly resource: string;
  /** What tokens are issued for, our own endpoint first. */
  readonly resources: ResourceDirectory;
  readonly cookies: CookieNames;
  readonly keys: () => Promise<KeyRing>;
  readonly entra: Entra;
  readonly signins: Signins;
  readonly grants: Grants;
  /** What tools have saved for people. */
  readonly notes: Pick<Notes, 'page' | 'remove'>;
  readonly erasure: Erasure;
  readonly audit: Audit;
  /** What administrators look through. */
  readonly records: {
    readonly events: Pick<AuditRows, 'page'>;
    readonly blocks: Pick<StoredRevocations, 'blocked' | 'isBlocked'>;
    readonly connections: Connections;
  };
  readonly clients: ClientDirectory;
  /** The names of clients' assertions that were used. */
  readonly assertions: Assertions;
  readonly registration: {
    /** Whether clients may register themselves. */
    readonly isOpen: boolean;
    /** Where those that did are kept. */
    readonly clients: Clients;
    /** Besides the known ones, without the colon. */
    readonly privateUseSchemes: readonly string[];
  };
  readonly limits: Limits;
  readonly sessions: Sessions;
  readonly revocations: RevocationList;
  readonly dpop: Dpop;
  /** PKCE challenges that were used up here a moment ago. */
  readonly redeemedChallenges: RedeemedChallenges;
  /** Resource servers that may introspect tokens. */
  readonly introspectors: readonly PreregisteredClient[];
  /** Renewals that ask Entra just now, by grant and generation. */
  readonly renewals: SharedCalls<SignedIn & Upstream>;
  /** The tenants whose people may be administrators. */
  readonly adminTenants: readonly string[];
  /** Of a person's roles those that are kept, with spaces between: what tokens of a resource tell of. */
  readonly keptRoles: (resource: string, roles: readonly string[]) => string;
  /** For how long renewals go on without Entra. */
  readonly offlineGraceSeconds: number;
  readonly tokenExpirySeconds: number;
  readonly refreshRetrySeconds: number;
  readonly refreshIdleSeconds: number;
  readonly refreshMaxSeconds: number;
  readonly scriptTokens: boolean;
  /** Milliseconds since the epoch. */
  readonly now: () => number;
  readonly random: RandomBytes;
}
