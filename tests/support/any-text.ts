import fc from 'fast-check';

/**
 * Any text of whole code points, for fast-check: what its own unit "binary" gives, which takes a second of each
 * file for a table of them all.
 */
export function anyText(lengths: { minLength?: number; maxLength?: number } = {}): fc.Arbitrary<string> {
  return fc.string({ unit: CODE_POINT, ...lengths });
}

/** All but the 2,048 halves of a pair, which lie in the middle; those of a byte as often as all others. */
const CODE_POINT = fc.oneof(
  fc.nat(0xff).map(each => String.fromCodePoint(each)),
  fc.nat(0x10_f7ff).map(each => String.fromCodePoint(each < 0xd800 ? each : each + 0x800)),
);
