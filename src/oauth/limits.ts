import { clientAddress, siteOf, UNKNOWN_ADDRESS } from '../http/client-address.ts';
import { createRateLimiter, type RateLimiter, type Taken } from '../http/rate-limit.ts';

/** What may come from one address, from an IPv6 site and from all, at one instance, of what anybody can ask for. */
export interface AddressLimit {
  /** Counts a request, unless there were too many. */
  take(request: Request): Taken;
  /** Takes back what was counted of a request. */
  giveBack(request: Request): void;
}

export interface Limits {
  /** Registrations that are new. Behind one address may be a whole office, but its clients are few. */
  readonly registrations: AddressLimit;
  /** Sign-ins that are stored before anybody has signed in. */
  readonly signins: AddressLimit;
  /** Messages of Entra's that somebody signed out there: they come from people's browsers. */
  readonly signouts: AddressLimit;
  /** Clients' documents that are fetched because somebody named them. */
  readonly documents: AddressLimit;
  /** Answers of Entra's to one sign-in, by its name. */
  readonly callbacks: RateLimiter;
  /** Renewals of one grant, by its name. */
  readonly renewals: RateLimiter;
  /** Tokens for scripts that a person issues or ends. */
  readonly scriptTokens: RateLimiter;
}

/** How many addresses are remembered. */
const ADDRESSES = 10_000;
/** An IPv6 site may send as much as so many addresses: one person may have all of it, or many people together. */
const ADDRESSES_A_SITE = 4;
/** How many grants. */
const GRANTS = 10_000;
/** How many people. */
const PEOPLE = 10_000;

/** @param now milliseconds since the epoch */
export function createLimits({ trustedProxyHops, now }: { trustedProxyHops: number; now: () => number }): Limits {
  function limit(perSeconds: number, { perAddress, overAll }: { perAddress: number; overAll: number }): AddressLimit {
    const addresses = createRateLimiter({ limit: perAddress, perSeconds, now, capacity: ADDRESSES });
    const sites = createRateLimiter({ limit: perAddress * ADDRESSES_A_SITE, perSeconds, now, capacity: ADDRESSES });
    const all = createRateLimiter({ limit: overAll, perSeconds, now, capacity: 1 });

    /** Where a request counts, the narrowest first. */
    function countersOf(request: Request): (readonly [RateLimiter, key: string])[] {
      const address = clientAddress(request, trustedProxyHops);
      const site = siteOf(address);
      return [
        // Those whose address is not known share the limit over all, and do not lock each other out.
        ...(address === UNKNOWN_ADDRESS ? [] : [[addresses, address] as const]),
        ...(site ? [[sites, site] as const] : []),
        [all, ''],
      ];
    }

    return {
      take(request) {
        const counters = countersOf(request);
        for (const [index, [counter, key]] of counters.entries()) {
          const taken = counter.take(key);
          if (taken.ok) continue;
          for (const [former, its] of counters.slice(0, index)) former.giveBack(its);
          return taken;
        }
        return { ok: true };
      },
      giveBack(request) {
        for (const [counter, key] of countersOf(request)) counter.giveBack(key);
      },
    };
  }

  return {
    registrations: limit(3_600, { perAddress: 30, overAll: 1_000 }),
    signins: limit(60, { perAddress: 60, overAll: 3_000 }),
    signouts: limit(60, { perAddress: 60, overAll: 3_000 }),
    documents: limit(60, { perAddress: 20, overAll: 600 }),
    callbacks: createRateLimiter({ limit: 10, perSeconds: 60, now, capacity: GRANTS }),
    renewals: createRateLimiter({ limit: 60, perSeconds: 60, now, capacity: GRANTS }),
    scriptTokens: createRateLimiter({ limit: 60, perSeconds: 60, now, capacity: PEOPLE }),
  };
}
