import type { PersonName } from '../../../dev/entra/index.ts';
import { type DemoClient, newestClient } from '../../../dev/local/demo-clients.ts';
import { approveAndSignIn } from '../../../dev/local/person.ts';
import type { Credentials } from '../../../examples/client/credentials.ts';
import { startReceiver } from '../../../examples/client/loopback.ts';
import { SignIn } from '../../../examples/client/sign-in.ts';

/** A client of the newest revision, connected: somebody has signed in through the pages. */
export async function signedIn(mcpUrl: string, who: PersonName): Promise<DemoClient> {
  const receiver = await startReceiver();
  let kept: Credentials = {};
  const signIn = new SignIn({
    clientName: 'A test',
    receiver,
    store: {
      load: async () => kept,
      save: async credentials => {
        kept = credentials;
      },
    },
    show: page => approveAndSignIn(page, who, () => {}),
  });
  const client = newestClient({ url: new URL(mcpUrl), signIn, fetch });
  try {
    await client.connect();
  } finally {
    await receiver.close();
  }
  return client;
}
