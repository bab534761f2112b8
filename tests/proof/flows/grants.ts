import { type Client, connect, register, type Target } from '../../support/flows.ts';

/** A grant that a load renews: what its client has of it at the moment. */
export interface LiveGrant {
  readonly client: Client;
  accessToken: string;
  refreshToken: string;
  /** Whether a renewal is under way. */
  busy: boolean;
}

/** Signs in as often as that, with one client, eight at a time. */
export async function signInMany(rig: Target, count: number, progress: (text: string) => void): Promise<LiveGrant[]> {
  const client = await register(rig);
  const grants: LiveGrant[] = [];
  let begun = 0;
  await Promise.all(
    Array.from({ length: 8 }, async () => {
      while (begun++ < count) {
        const { tokens } = await connect(rig, 'ada', {}, client);
        grants.push({ client, accessToken: tokens.access_token, refreshToken: tokens.refresh_token, busy: false });
        progress(`Signed in ${grants.length} of ${count}`);
      }
    }),
  );
  return grants;
}
