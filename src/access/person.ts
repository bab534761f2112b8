/** A person as Entra names them: the tenant and the object in it, never the e-mail address, which can change hands. */
export interface PersonId {
  /** `tid`: the tenant's GUID. */
  readonly tid: string;
  /** `oid`: the person's GUID in that tenant. */
  readonly oid: string;
}

/** A person as their token tells of them: name and e-mail only where they approved `profile`. */
export interface Person extends PersonId {
  readonly name?: string;
  readonly email?: string;
}

/** The `sub` of our tokens and the partition of everything that is the person's. */
export function personKey({ tid, oid }: PersonId): string {
  return `${tid}.${oid}`;
}
