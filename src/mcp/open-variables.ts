/** How many variables of a template may be open. */
const MOST_OPEN = 2;

const EXPRESSION = /\{([+#./?&]?)([^{}]*)\}([^{]*)/g;
/** What begins an expression's value, where that is written. */
const BEGINS_WITH: ReadonlySet<string> = new Set(['.', '/', '?', '&']);

/**
 * Counts the expressions of a URI template (RFC 6570) that are open: a value that might end at many places, or begin at
 * many, for nothing beside it keeps it from its neighbour. What it takes to hold a URI against the template grows with the
 * URI's length to the power of their number.
 */
function openVariables(template: string): number {
  let open = 0;
  let before = '';
  const expressions = [...template.matchAll(EXPRESSION)];
  for (const [at, [, operator = '', names = '', literal = '']] of expressions.entries()) {
    const own = BEGINS_WITH.has(operator) ? operator : '';
    const [, next = ''] = expressions[at + 1] ?? [];
    const after = literal + (BEGINS_WITH.has(next) ? next : '');
    const neverHolds = charactersThatEnd(operator, names);
    const isEdge = (text: string) => [...text].some(character => neverHolds.includes(character));
    const endIsSure = isEdge(after) || (literal === '' && at === expressions.length - 1);
    const beginningIsSure = open === 0 || isEdge(before + own);
    if (!(endIsSure && beginningIsSure)) open += 1;
    before = literal;
  }
  return open;
}

/** The characters that a value cannot hold. */
function charactersThatEnd(operator: string, names: string): string {
  if (operator === '+' || operator === '#') return '';
  if (operator === '?' || operator === '&') return '&';
  return names.includes('*') ? '/' : '/,';
}

/** @throws RangeError for a template that a client could block the server by, with a URI made for it */
export function checkVariables(template: string): void {
  const open = openVariables(template);
  if (open <= MOST_OPEN) return;
  throw new RangeError(
    `${template} has ${open} variables with nothing beside them that tells where they end. At most ${MOST_OPEN} may be so: put a / between the others, and use {x} for {+x}.`,
  );
}
