import * as z from 'zod';
import { definePrompt } from '../../../src/mcp/define-prompt.ts';
import { PIXEL } from './content.ts';

/** The prompts that the suite gets. */
const shown = { title: 'Prompt', description: 'For the conformance suite', scopes: [] };
const text = (said: string) => ({ role: 'user' as const, content: { type: 'text' as const, text: said } });

export const prompts = [
  definePrompt({
    ...shown,
    name: 'test_simple_prompt',
    args: z.object({}),
    handler: () => 'This is a simple prompt for testing.',
  }),
  definePrompt({
    ...shown,
    name: 'test_prompt_with_arguments',
    args: z.object({ arg1: z.string().describe('First test argument'), arg2: z.string().describe('Second one') }),
    complete: { arg1: ['test one', 'test two'] },
    handler: ({ arg1, arg2 }) => `Prompt with arguments: arg1='${arg1}', arg2='${arg2}'`,
  }),
  definePrompt({
    ...shown,
    name: 'test_prompt_with_embedded_resource',
    args: z.object({ resourceUri: z.string().describe('URI of the resource to embed') }),
    handler: ({ resourceUri: uri }) => [
      {
        role: 'user',
        content: {
          type: 'resource',
          resource: { uri, mimeType: 'text/plain', text: 'Embedded resource content for testing.' },
        },
      },
      text('Please process the embedded resource above.'),
    ],
  }),
  definePrompt({
    ...shown,
    name: 'test_prompt_with_image',
    args: z.object({}),
    handler: () => [
      { role: 'user', content: { type: 'image', data: PIXEL, mimeType: 'image/png' } },
      text('Please analyze the image above.'),
    ],
  }),
  definePrompt({
    ...shown,
    name: 'test_input_required_result_prompt',
    args: z.object({}),
    async handler(_args, { ask }) {
      const fields = z.object({ context: z.string() });
      const { user_context: answer } = await ask({
        user_context: { form: 'What context should the prompt use?', fields },
      });
      return answer.action === 'accept' ? `Use ${answer.content.context}.` : 'Use none.';
    },
  }),
];
