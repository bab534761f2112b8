import { app } from '@azure/functions';
import { createEntraMcp, defineTool, loadConfig } from 'entra-mcp-functions';
import * as z from 'zod';

const greet = defineTool({
  name: 'greet',
  title: 'Greet me',
  description: 'Greets the signed-in person.',
  scopes: ['profile'],
  input: z.object({ greeting: z.string().max(100).default('Hello') }),
  output: z.object({ text: z.string() }),
  handler: ({ greeting }, { person }) => ({ text: `${greeting}, ${person.name ?? 'you'}!` }),
});

createEntraMcp({
  ...loadConfig(process.env),
  tools: [greet],
  presentation: { name: 'Greeter' },
}).register(app);
