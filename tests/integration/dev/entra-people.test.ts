/** Who the Entra stand-in says that somebody is: of which tenant, with which roles and groups, and what Graph says. */
import { decodeJwt } from 'jose';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Entra, type PersonName, startEntra } from '../../../dev/entra/index.ts';
import { defaultTenantId, foreignTenantId, personalTenantId } from '../../../dev/entra/people.ts';
import { authorizeUrl, REDIRECT_URI, refreshForm, SECRET, token, tokensOf } from './entra-fixture.ts';

const group = (n: number) => `22222222-aaaa-bbbb-cccc-${String(n).padStart(12, '0')}`;
const groups = (count: number) => Array.from({ length: count }, (_, n) => group(n));

let entra: Entra;
beforeAll(async () => {
  entra = await startEntra({ redirectUris: [REDIRECT_URI], clientSecret: SECRET });
});
afterAll(() => entra.stop());

const claims = async (who: PersonName, at = entra) => decodeJwt((await tokensOf(at, who)).id_token);

async function renewed(refreshToken: string) {
  return decodeJwt((await token(entra, refreshForm(entra, refreshToken))).body.id_token);
}

describe('roles and groups', () => {
  test('are no claims of who has none', async () => {
    const token = await claims('grace');
    for (const name of ['roles', 'groups', '_claim_names', 'idp']) expect(token).not.toHaveProperty(name);
  });

  test('are in the id token, and a change is in the next renewal, with the name', async () => {
    entra.change('ada', { roles: ['Mcp.User', 'Admin'], groups: groups(200) });
    const { id_token, refresh_token } = await tokensOf(entra);
    expect(decodeJwt(id_token)).toMatchObject({ roles: ['Mcp.User', 'Admin'], groups: groups(200) });
    entra.change('ada', { roles: [], groups: groups(1), name: 'Ada King' });
    const later = await renewed(refresh_token);
    expect(later).toMatchObject({ groups: groups(1), name: 'Ada King', oid: entra.people.ada.oid });
    expect(later).not.toHaveProperty('roles');
  });

  test('above 200 the token only says that there are groups', async () => {
    entra.change('ada', { groups: groups(201) });
    const token = await claims('ada');
    expect(token).not.toHaveProperty('groups');
    expect(token).toMatchObject({ _claim_names: { groups: 'src1' }, _claim_sources: { src1: {} } });
  });
});

describe('Microsoft Graph', () => {
  const url = () => `${entra.url}/graph/v1.0/me/checkMemberGroups`;
  async function memberGroups(bearer: string | undefined, groupIds: string[]) {
    const response = await fetch(url(), {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...(bearer ? { authorization: `Bearer ${bearer}` } : {}) },
      body: JSON.stringify({ groupIds }),
    });
    return { status: response.status, body: await response.json().catch(() => undefined) };
  }

  test('says which of twenty groups the token’s person is in, and takes no more', async () => {
    entra.change('ada', { groups: groups(201) });
    const [ada, grace] = [await tokensOf(entra, 'ada'), await tokensOf(entra, 'grace')];
    const asked = [group(200), group(201), group(7)];
    expect((await memberGroups(ada.access_token, asked)).body).toMatchObject({ value: [group(200), group(7)] });
    expect((await memberGroups(grace.access_token, asked)).body).toMatchObject({ value: [] });
    expect((await memberGroups(ada.access_token, groups(20))).status).toBe(200);
    expect((await memberGroups(ada.access_token, groups(21))).status).toBe(400);
  });

  test('takes its own access tokens alone, with the scope for it', async () => {
    const { access_token, id_token, refresh_token } = await tokensOf(entra, 'grace');
    const [header, payload] = access_token.split('.');
    for (const wrong of [undefined, id_token, refresh_token, `${header}.${payload}.${'A'.repeat(342)}`]) {
      expect((await memberGroups(wrong, [])).status, wrong).toBe(401);
    }
    const other = await token(entra, { ...refreshForm(entra, refresh_token), scope: 'openid Mail.Read' });
    expect((await memberGroups(other.body.access_token, [])).status).toBe(403);
    const nothing = await fetch(`${entra.url}/graph/v1.0/nothing`, {
      headers: { authorization: `Bearer ${access_token}` },
    });
    expect(nothing.status).toBe(404);
  });

  test('can be down by itself', async () => {
    const { access_token } = await tokensOf(entra, 'grace');
    entra.fail('graph', 'outage');
    expect((await memberGroups(access_token, [])).status).toBe(503);
    expect((await tokensOf(entra, 'grace')).access_token).toBeTruthy();
    entra.fail('graph', undefined);
    expect((await memberGroups(access_token, [])).status).toBe(200);
  });
});

test('a guest is of this tenant, and at home in another', async () => {
  expect(await claims('guest')).toMatchObject({
    tid: entra.tenantId,
    iss: `${entra.url}/${entra.tenantId}/v2.0`,
    idp: `https://sts.windows.net/${foreignTenantId}/`,
    email: entra.people.guest.username,
  });
});

describe.each(['organizations', 'common', 'consumers'] as const)('for people of many tenants, as %s', audience => {
  let many: Entra;
  beforeAll(async () => {
    const started = await startEntra({ redirectUris: [REDIRECT_URI], clientSecret: SECRET, audience });
    // What stands in the addresses.
    many = { ...started, tenantId: audience };
  });
  afterAll(() => many.stop());

  test.each([
    ['ada', defaultTenantId],
    ['guest', defaultTenantId],
    ['foreigner', foreignTenantId],
    ['personal', personalTenantId],
  ] as const)('%s’s token is of their own tenant, in the first answer and in a renewal', async (who, tenant) => {
    const own = { tid: tenant, iss: `${many.url}/${tenant}/v2.0`, oid: many.people[who].oid };
    const first = await tokensOf(many, who);
    expect(decodeJwt(first.id_token)).toMatchObject(own);
    const { body } = await token(many, { ...refreshForm(many, first.refresh_token), client_info: '1' });
    expect(decodeJwt(body.id_token)).toMatchObject(own);
    const account = JSON.parse(Buffer.from(body.client_info ?? '', 'base64url').toString());
    expect(account).toEqual({ uid: own.oid, utid: tenant });
  });

  test('the address of one tenant is not served', async () => {
    expect((await fetch(authorizeUrl({ ...many, tenantId: entra.tenantId }), { redirect: 'manual' })).status).toBe(404);
  });
});
