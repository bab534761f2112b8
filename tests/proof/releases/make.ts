/**
 * Makes the fixture of a release: `npx node tests/proof/releases/make.ts`, once when it is released, and commit the file. It
 * runs the code of the commit that is checked out, not what is changed since.
 */
import { createHash } from 'node:crypto';
import { decodeJwt } from 'jose';
import { Browser } from '../../../dev/browser/index.ts';
import type { PersonName } from '../../../dev/entra/index.ts';
import { signInAs } from '../../../dev/entra/sign-in.ts';
import { VERSION } from '../../../src/version.ts';
import { scratchFolder } from '../../bench/scratch.ts';
import {
  type Client,
  callTool,
  codeForm,
  obtainCode,
  post,
  refreshForm,
  register,
  token,
} from '../../support/flows.ts';
import { isTokenRequest } from '../flows/entra-faults.ts';
import { type Rig, startRig } from '../rig/rig.ts';
import { dumpRows, type HeldGrant, type ReleaseFixture, type StoredRow, writeFixture } from './fixture.ts';
import { buildCommit, currentCommit } from './old-code.ts';

const GRANTS = 1_000;
const AT_ONCE = 6;
/** How many of the rows are kept that the purge takes within hours: they are many, and alike. */
const SIGNINS = 40;
const EVENTS = 200;
/** Below the ports that systems give out by themselves. */
const PORT = 17_371;
const PEOPLE: readonly PersonName[] = ['ada', 'grace'];
const KEY = createHash('sha256').update('the JWT_SECRET_KEY of a fixture').digest('base64url');

const commit = await currentCommit();
await using bundle = await scratchFolder();
await buildCommit(commit, bundle.path);
const rig = await startRig(bundle.path, { port: PORT, settings: { JWT_SECRET_KEY: KEY, MCP_RATE_LIMIT: '0' } });
try {
  const upstream = recordUpstream(rig);
  const clients = [
    await register(rig, { client_name: 'One' }),
    await register(rig, { client_name: 'Another' }),
    await register(rig, { client_name: 'A confidential one', token_endpoint_auth_method: 'client_secret_post' }),
  ];
  const grants: HeldGrant[] = [];
  let begun = 0;
  await Promise.all(
    Array.from({ length: AT_ONCE }, async () => {
      while (begun < GRANTS) {
        const n = begun++;
        const client = clients[n % clients.length];
        if (client) grants.push(await makeGrant(rig, client, n));
        if (n % 50 === 0) console.error(`${n} of ${GRANTS}`);
      }
    }),
  );
  const browser = new Browser();
  await signInAs(browser, await browser.open(`${rig.origin}/auth/login`), 'ada');
  const [client] = clients;
  if (!client) throw new Error('There is no client.');
  const codes = [];
  for (let n = 0; n < 10; n++) {
    const { code, verifier } = await obtainCode(rig, client);
    codes.push({ clientId: client.client_id, code, verifier });
  }
  const madeAt = Date.now();
  // What is written behind the scenes is there when the instances have ended.
  for (const instance of rig.instances) await instance.stop();
  const fixture: ReleaseFixture = {
    release: VERSION,
    commit,
    madeAt,
    port: PORT,
    key: KEY,
    rows: newest(await dumpRows(rig.storage.connectionString)),
    grants,
    codes,
    cookie: browser.cookies.header(new URL(rig.origin), false) ?? '',
    upstream,
  };
  const bytes = await writeFixture(fixture);
  for (const [name, rows] of Object.entries(fixture.rows)) console.log(`${name}: ${rows.length} rows`);
  console.log(`${fixture.release}: ${Math.ceil(bytes / 1024)} KiB`);
} finally {
  await rig.stop();
}

/** A sign-in; every third is renewed since, every fiftieth revoked, and some have saved a note. */
async function makeGrant(on: Rig, client: Client, n: number): Promise<HeldGrant> {
  const secret = client.client_secret ? { client_secret: client.client_secret } : {};
  const code = await obtainCode(on, client, PEOPLE[n % PEOPLE.length]);
  let { body } = await token(on, { ...codeForm(client, code), ...secret });
  if (n % 3 === 0) body = (await token(on, { ...refreshForm(client, body.refresh_token), ...secret })).body;
  if (n % 40 === 0) await callTool(on, body.access_token, 'save_user_note', { note: `Note ${n} of an older release` });
  const isRevoked = n % 50 === 1;
  if (isRevoked) await post(on, '/oauth/revoke', { token: body.refresh_token, client_id: client.client_id, ...secret });
  return {
    clientId: client.client_id,
    ...(client.client_secret ? { clientSecret: client.client_secret } : {}),
    accessToken: body.access_token,
    refreshToken: body.refresh_token,
    ...(isRevoked ? { isRevoked } : {}),
  };
}

/** All rows but older sign-ins and events: the keys of events run backwards in time. */
function newest({ signins = [], audit = [], ...others }: Record<string, StoredRow[]>): ReleaseFixture['rows'] {
  const byAge = signins.sort((a, b) => Number(a.createdAt) - Number(b.createdAt));
  return { ...others, signins: byAge.slice(-SIGNINS), audit: audit.slice(0, EVENTS) };
}

/** Whose each refresh token of the stand-in's is, from now on. */
function recordUpstream(on: Rig): Record<string, PersonName> {
  const owners: Record<string, PersonName> = {};
  on.toEntra.afterwards((passing, status, body) => {
    if (!isTokenRequest(passing) || status !== 200) return;
    const { refresh_token: refreshToken, id_token: idToken } = JSON.parse(body.toString()) as Record<string, string>;
    const { oid } = decodeJwt(idToken ?? '');
    const owner = PEOPLE.find(name => on.entra.people[name].oid === oid);
    if (refreshToken && owner) owners[refreshToken] = owner;
  });
  return owners;
}
