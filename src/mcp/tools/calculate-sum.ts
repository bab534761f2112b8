import * as z from 'zod';
import { defineTool, ToolError } from '../define-tool.ts';

export default defineTool({
  name: 'calculate_sum',
  title: 'Add numbers',
  description: 'Adds 1 to 1000 numbers.',
  scopes: [],
  input: z.object({ numbers: z.array(z.number()).min(1).max(1000) }),
  output: z.object({ sum: z.number(), count: z.int() }),
  annotations: { readOnlyHint: true, openWorldHint: false },
  handler({ numbers }) {
    const sum = numbers.reduce((total, number) => total + number, 0);
    if (!Number.isFinite(sum)) throw new ToolError('The sum is too large for a number. Add smaller numbers.');
    return { sum, count: numbers.length };
  },
});
