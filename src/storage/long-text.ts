/**
 * A column of Azure Tables holds 64 KiB, which is 32 Ki characters of UTF-16. A
 * longer text is split over columns `NAME0`, `NAME1`, and so on; a row holds a
 * megabyte.
 */
const LONGEST = 30_000;

/** The columns of a text that is split under a name: `"upstreamTokens"` gives `upstreamTokens0` and so on. */
export type LongText<Name extends string> = { [column in `${Name}${number}`]?: string };

/** Splits a text over as many columns as it takes. */
export function splitText<Name extends string>(name: Name, text: string): LongText<Name> {
  const columns: Record<string, string> = {};
  for (let start = 0; start < text.length; start += LONGEST) {
    columns[`${name}${start / LONGEST}`] = text.slice(start, start + LONGEST);
  }
  return columns as LongText<Name>;
}

/** The text again; `undefined` where there is none. */
export function joinText<Name extends string>(name: Name, row: LongText<Name>): string | undefined {
  const columns = row as Record<string, unknown>;
  const parts: string[] = [];
  for (let i = 0; typeof columns[`${name}${i}`] === 'string'; i += 1) parts.push(String(columns[`${name}${i}`]));
  return parts.length > 0 ? parts.join('') : undefined;
}

/** A row without the columns of a split text, so that another one can take their place. */
export function withoutText<Row extends object>(name: string, row: Row): Row {
  const columns = Object.entries(row).filter(([column]) => !new RegExp(`^${name}\\d+$`).test(column));
  return Object.fromEntries(columns) as Row;
}
