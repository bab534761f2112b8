import { expect, test } from 'vitest';
import { createGraph } from '../../../src/entra/graph.ts';

test.each([
  ['https://login.microsoftonline.com', 'https://graph.microsoft.com'],
  ['https://login.microsoftonline.us', 'https://graph.microsoft.us'],
  ['https://login.partner.microsoftonline.cn', 'https://microsoftgraph.chinacloudapi.cn'],
  ['https://contoso.ciamlogin.com', 'https://graph.microsoft.com'],
])('where Entra is %s, groups are looked up at %s', async (authorityHost, graphHost) => {
  const asked: string[] = [];
  const fetch: typeof globalThis.fetch = async input => {
    asked.push(String(input));
    return Response.json({ value: ['a group'] });
  };
  expect(await createGraph(authorityHost, fetch).memberGroups('token', ['a group'])).toEqual(['a group']);
  expect(asked).toEqual([`${graphHost}/v1.0/me/checkMemberGroups`]);
});
