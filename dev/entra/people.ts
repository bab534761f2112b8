/** Who can sign in at the stand-in. Their ids never change, so what they saved is theirs after a restart. */
import { createHash } from 'node:crypto';

export const personNames = ['ada', 'grace', 'foreigner', 'guest', 'personal', 'disabled', 'unassigned'] as const;
export type PersonName = (typeof personNames)[number];

export interface Person {
  /** The account's object id, the same for every application of the tenant. */
  oid: string;
  /** The tenant that the account belongs to. */
  tid: string;
  name: string;
  /** Her sign-in name; her e-mail address too. */
  username: string;
  /** Where the account is at home, for a guest: Entra's `idp` claim. */
  homeTid?: string;
  /** App roles in the application. */
  roles?: readonly string[];
  /** Object ids of her groups. */
  groups?: readonly string[];
  /** What Graph tells of her. */
  jobTitle?: string;
  officeLocation?: string;
  /** A picture; without one Graph answers 404. */
  photo?: Uint8Array | undefined;
  /** What is said of her on the account picker. */
  note: string;
}

export const defaultTenantId = '72f0c3a8-5b1e-4d6c-9a07-3e84d1b2c6f5';
export const foreignTenantId = 'c0a8e4d2-96b7-4f13-8d5a-1b7e60f39a24';

/** The tenant of all personal Microsoft accounts. */
export const personalTenantId = '9188040d-6c67-4c5b-b112-36a304b66dad';

/** One violet dot. */
const PHOTO = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkaPhfDwAEQwICtLnsnAAAAABJRU5ErkJggg==',
  'base64',
);

/** The people, as they are in a tenant of this id. */
export function peopleOf(tid: string): Record<PersonName, Person> {
  return {
    ada: {
      oid: '0a1b8c5e-2f4d-4e67-8a90-b1c2d3e4f501',
      tid,
      name: 'Ada Lovelace',
      username: 'ada@contoso.example',
      jobTitle: 'Analyst',
      officeLocation: 'London, St James’s Square 12',
      photo: PHOTO,
      note: 'An ordinary person of this tenant',
    },
    grace: {
      oid: '0a1b8c5e-2f4d-4e67-8a90-b1c2d3e4f502',
      tid,
      name: 'Grace Hopper',
      username: 'grace@contoso.example',
      note: 'Another ordinary person of this tenant',
    },
    foreigner: {
      oid: '0a1b8c5e-2f4d-4e67-8a90-b1c2d3e4f503',
      tid: foreignTenantId,
      name: 'Mary Somerville',
      username: 'mary@fabrikam.example',
      note: 'Belongs to another tenant',
    },
    guest: {
      oid: '0a1b8c5e-2f4d-4e67-8a90-b1c2d3e4f506',
      tid,
      homeTid: foreignTenantId,
      name: 'Caroline Herschel',
      username: 'caroline@fabrikam.example',
      note: 'A guest of this tenant, at home in another',
    },
    personal: {
      oid: '00000000-0000-0000-1b2c-3d4e5f607182',
      tid: personalTenantId,
      name: 'Sophie Germain',
      username: 'sophie@outlook.example',
      note: 'A personal Microsoft account',
    },
    disabled: {
      oid: '0a1b8c5e-2f4d-4e67-8a90-b1c2d3e4f504',
      tid,
      name: 'Charles Babbage',
      username: 'charles@contoso.example',
      note: 'Account is disabled',
    },
    unassigned: {
      oid: '0a1b8c5e-2f4d-4e67-8a90-b1c2d3e4f505',
      tid,
      name: 'Annabella Milbanke',
      username: 'annabella@contoso.example',
      note: 'Not assigned to this application',
    },
  };
}

/** The `sub` of a person at one application: as in Entra, another one at every application. */
export function subjectOf(person: Person, clientId: string): string {
  return createHash('sha256').update(`${clientId} ${person.oid}`).digest('base64url');
}
