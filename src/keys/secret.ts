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
/**
 * What keeps most passphrases out, although they are well-formed base64url. The
 * base64url of 32 random bytes lacks upper or lower case once in 10^9 times, and
 * has fewer than 20 different characters as rarely; hex has its 16 at the most.
 */
const FEWEST_DIFFERENT_CHARACTERS = { base64url: 20, hex: 10 };

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
  const value = opensOnly ? text.slice('open:'.length) : text;
  const bytes = decode(value);
  if (!bytes || bytes.length < SHORTEST_BYTES) {
    throw new Error(`value ${position} is not base64url or hex of at least ${SHORTEST_BYTES} bytes`);
  }
  if (!looksRandom(value)) throw new Error(`value ${position} is not random`);
  return { bytes, opensOnly };
}

function looksRandom(value: string): boolean {
  const different = new Set(value).size;
  if (HEX.test(value)) return different >= FEWEST_DIFFERENT_CHARACTERS.hex;
  return /[a-z]/.test(value) && /[A-Z]/.test(value) && different >= FEWEST_DIFFERENT_CHARACTERS.base64url;
}

const HEX = /^(?:[0-9a-f]{2})+$/i;

function decode(text: string): Uint8Array | undefined {
  if (HEX.test(text)) return Buffer.from(text, 'hex');
  if (/^[\w-]+$/.test(text)) return Buffer.from(text, 'base64url');
  return undefined;
}
