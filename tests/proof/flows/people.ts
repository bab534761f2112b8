import { randomUUID } from 'node:crypto';
import { type AccessToken, signAccessToken } from '../../../src/access/access-token.ts';
import { createKeyRing } from '../../../src/keys/key-ring.ts';
import { parseSecrets } from '../../../src/keys/secret.ts';
import type { Rig } from '../rig/rig.ts';

/** Makes access tokens of people whom the stand-in does not have, signed with the key that the instances have. */
export async function tokenMaker(rig: Rig): Promise<(change?: Partial<AccessToken>) => Promise<string>> {
  const keys = await createKeyRing(parseSecrets(rig.settings.JWT_SECRET_KEY ?? ''));
  return change => {
    const now = Math.floor(Date.now() / 1000);
    return signAccessToken(keys, rig.origin, {
      person: { tid: randomUUID(), oid: randomUUID(), name: 'Somebody', email: 'somebody@contoso.example' },
      clientId: 'proof',
      grantId: randomUUID(),
      tokenId: randomUUID(),
      resource: rig.mcpUrl,
      scopes: ['profile', 'notes:read', 'notes:write'],
      roles: [],
      signedInAt: now,
      issuedAt: now,
      expiresAt: now + 3600,
      ...change,
    });
  };
}
