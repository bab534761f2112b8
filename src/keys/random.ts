/** Gives so many random bytes. */
export type RandomBytes = (length: number) => Uint8Array;

/** So many random bytes as base64url: 22 characters for 16, 43 for 32. */
export function randomText(random: RandomBytes, bytes: number): string {
  return Buffer.from(random(bytes)).toString('base64url');
}
