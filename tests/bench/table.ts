/** What a benchmark found, and how it is printed. */

export interface Row {
  what: string;
  /** With its unit. */
  measured: string;
  /** What it is compared with. */
  beside?: string;
  ratio?: number;
  target?: string;
  /** Only where there is a target. */
  reached?: boolean;
}

export interface Result {
  rows: readonly Row[];
  /** Lines to print below the table. */
  notes?: string[];
}

const HEADINGS = ['what', 'measured', 'beside', 'ratio', 'target', 'reached'];

/** One table in Markdown, its columns aligned; `results` by the name of their benchmark. */
export function formatTable(results: ReadonlyMap<string, Result>): string {
  const lines = [...results].flatMap(([name, { rows }]) => [[`**${name}**`, '', '', '', '', ''], ...rows.map(cells)]);
  const widths = HEADINGS.map((heading, column) =>
    Math.max(heading.length, ...lines.map(line => (line[column] ?? '').length)),
  );
  const format = (line: readonly string[]) =>
    `| ${widths.map((width, column) => (line[column] ?? '').padEnd(width)).join(' | ')} |`;
  const rule = `|${widths.map(width => '-'.repeat(width + 2)).join('|')}|`;
  return [format(HEADINGS), rule, ...lines.map(format)].join('\n');
}

function cells({ what, measured, beside = '', ratio, target = '', reached }: Row): string[] {
  return [what, measured, beside, ratio?.toFixed(2) ?? '', target, reached === undefined ? '' : reached ? 'yes' : 'NO'];
}

/** @throws RangeError when there is no value */
export function median(values: readonly number[]): number {
  const middle = [...values].sort((a, b) => a - b)[values.length >> 1];
  if (middle === undefined) throw new RangeError('There is no median of nothing.');
  return middle;
}
