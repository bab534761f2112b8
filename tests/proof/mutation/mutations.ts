import type { Mutation } from './mutation.ts';
import { access } from './table/access.ts';
import { authorize } from './table/authorize.ts';
import { callback } from './table/callback.ts';
import { clients } from './table/clients.ts';
import { entra } from './table/entra.ts';
import { gateway } from './table/gateway.ts';
import { guard } from './table/guard.ts';
import { token } from './table/token.ts';

/** Every check that is taken out, by the part of the program that it belongs to. */
export const PARTS: Readonly<Record<string, readonly Mutation[]>> = {
  'authorize, consent, login': authorize,
  callback,
  'token, revocation, introspection': token,
  'clients and their redirect URIs': clients,
  'what Entra says': entra,
  'the guard of /mcp': guard,
  'the gateway': gateway,
  'access tokens, proofs, the list of revocations': access,
};

export const MUTATIONS: readonly Mutation[] = Object.values(PARTS).flat();
