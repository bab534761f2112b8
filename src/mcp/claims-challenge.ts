/**
 * What an API has asked for that refuses a token with a claims challenge (401,
 * `error="insufficient_claims"`): JSON for `tokenFor(scopes, { claims })`.
 * `undefined` where the answer is no such challenge.
 */
export function claimsChallenge(response: Response): string | undefined {
  const header = response.headers.get('www-authenticate') ?? '';
  if (response.status !== 401 || !/\berror="insufficient_claims"/.test(header)) return undefined;
  const encoded = /\bclaims="([\w+/=-]+)"/.exec(header)?.[1];
  return encoded && Buffer.from(encoded, 'base64').toString('utf8');
}
