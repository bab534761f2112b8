import * as z from 'zod';
import type { ToolContext } from '../../../src/mcp/define-tool.ts';
import { tool } from './tool.ts';

const NAME = z.object({ name: z.string() });
const nameForm = { form: 'What is your name?', fields: NAME };
const say = (text: string, maxTokens = 100) => ({
  sampling: { messages: [{ role: 'user' as const, content: { type: 'text' as const, text } }], maxTokens },
});

async function confirmed(_args: unknown, { ask }: ToolContext) {
  const { confirm } = await ask({ confirm: { form: 'Please confirm', fields: z.object({ ok: z.boolean() }) } });
  return `state-ok: ${confirm.action}`;
}

/** The tools of the suite that ask back. */
export const askingTools = [
  tool('test_input_required_result_elicitation', async (_args, { ask }) => {
    const { user_name: answer } = await ask({ user_name: nameForm });
    return answer.action === 'accept' ? `Hello, ${answer.content.name}!` : 'Hello!';
  }),
  tool('test_input_required_result_sampling', async (_args, { ask }) => {
    const { capital_question: answer } = await ask({ capital_question: say('What is the capital of France?') });
    return JSON.stringify(answer.content);
  }),
  tool('test_input_required_result_list_roots', async (_args, { ask }) => {
    const { client_roots: roots } = await ask({ client_roots: { roots: true } });
    return roots.map(({ uri }) => uri).join(' ');
  }),
  tool('test_input_required_result_request_state', confirmed),
  tool('test_input_required_result_tampered_state', confirmed),
  tool('test_input_required_result_multiple_inputs', async (_args, { ask }) => {
    const answers = await ask({
      user_name: nameForm,
      greeting: say('Generate a greeting', 50),
      client_roots: { roots: true },
    });
    return Object.keys(answers).join(' ');
  }),
  tool('test_input_required_result_multi_round', async (_args, { ask }) => {
    const { step1 } = await ask({ step1: { ...nameForm, form: 'Step 1: What is your name?' } });
    const color = { form: 'Step 2: What is your favorite color?', fields: z.object({ color: z.string() }) };
    const { step2 } = await ask({ step2: color });
    return `${step1.action} ${step2.action}`;
  }),
  tool('test_input_required_result_capabilities', async (_args, { ask, canAsk }) => {
    const answers = await ask({
      ...(canAsk('form') ? { user_name: nameForm } : {}),
      ...(canAsk('sampling') ? { greeting: say('Generate a greeting') } : {}),
    });
    return Object.keys(answers).join(' ');
  }),
  tool('test_missing_capability', async (_args, { ask }) => {
    await ask({ greeting: say('Generate a greeting') });
    return 'It was asked.';
  }),
  tool('test_streaming_elicitation', async (_args, { ask }) => {
    await ask({ user_name: nameForm });
    return 'It was asked.';
  }),
  // Those that only a session could serve: an older client is told so.
  ...['test_sampling', 'test_elicitation', 'test_elicitation_sep1034_defaults', 'test_elicitation_sep1330_enums'].map(
    name => tool(name, confirmed),
  ),
];
