import type { LoadClient } from '../rig/load.ts';
import type { Rig } from '../rig/rig.ts';
import { isServed, sumCall } from './mcp-call.ts';

/** How many of the instances serve a tool call with an access token, each asked by itself. */
export async function servedBy(rig: Rig, client: LoadClient, accessToken: string): Promise<number> {
  const answers = await Promise.all(rig.instances.map(({ url }) => client.send(sumCall(`${url}/mcp`, accessToken))));
  const odd = answers.find(answer => !isServed(answer) && answer.status !== 401);
  if (odd) throw new Error(`A tool call was answered ${odd.status}: ${odd.body}`);
  return answers.filter(isServed).length;
}

/** How many of these access tokens any instance still serves. */
export async function livingOf(rig: Rig, client: LoadClient, accessTokens: readonly string[]): Promise<number> {
  const served = await Promise.all(accessTokens.map(each => servedBy(rig, client, each)));
  return served.filter(count => count > 0).length;
}
