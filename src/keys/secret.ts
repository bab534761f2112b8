/**
 * One value of `JWT_SECRET_KEY`, decoded.
 *
 * `opensOnly` marks a retired one (`open:` before it): it still opens sealed
 * rows, but verifies no token and no cookie.
 */
export interface Secret {
  readonly bytes: Uint8Array;
  readonly opensOnly: boolean;
}

const SHORTEST_BYTES = 32;
/** 32 random bytes hold fewer than 16 different values once in 10^13 times; a phrase or a repeated letter often does. */
const FEWEST_DIFFERENT_BYTES = 16;

/**
 * Reads `JWT_SECRET_KEY`: one value or several with commas between, each
 * base64url or hex of at least 32 random bytes. The first seals and signs.
 *
 * @throws Error that says what is wrong, without the value
 */
export function parseSecrets(setting: string): readonly [Secret, ...Secret[]] {
  const [first, ...others] = setting.split(',').map((part, index) => parseSecret(part.trim(), index + 1));
  if (!first || first.opensOnly) throw new Error('the first value signs, so it cannot be marked "open:"');
  return [first, ...others];
}

function parseSecret(text: string, position: number): Secret {
  const opensOnly = text.startsWith('open:');
  const bytes = decode(opensOnly ? text.slice('open:'.length) : text);
  if (!bytes || bytes.length < SHORTEST_BYTES) {
    throw new Error(`value ${position} is not base64url or hex of at least ${SHORTEST_BYTES} bytes`);
  }
  if (new Set(bytes).size < FEWEST_DIFFERENT_BYTES) throw new Error(`value ${position} is not random`);
  return { bytes, opensOnly };
}

function decode(text: string): Uint8Array | undefined {
  if (/^(?:[0-9a-f]{2})+$/i.test(text)) return Buffer.from(text, 'hex');
  if (/^[\w-]+$/.test(text)) return Buffer.from(text, 'base64url');
  return undefined;
}
