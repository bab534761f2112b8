import { setTimeout } from 'node:timers/promises';
import { ToolError } from '../../../src/mcp/define-tool.ts';
import { askingTools } from './asking-tools.ts';
import { PIXEL, SILENCE } from './content.ts';
import { tool } from './tool.ts';

/** Between two messages, so that each can be seen to come on its own. In milliseconds. */
const PAUSE = 20;

const image = { type: 'image' as const, data: PIXEL, mimeType: 'image/png' };
const embedded = (uri: string, mimeType: string, text: string) => ({
  type: 'resource' as const,
  resource: { uri, mimeType, text },
});

/** The tools that the suite calls. */
export const tools = [
  tool('test_simple_text', () => 'This is a simple text response for testing.'),
  tool('test_image_content', () => [image]),
  tool('test_audio_content', () => [{ type: 'audio', data: SILENCE, mimeType: 'audio/wav' }]),
  tool('test_embedded_resource', () => [
    embedded('test://embedded-resource', 'text/plain', 'This is an embedded resource content.'),
  ]),
  tool('test_multiple_content_types', () => [
    { type: 'text', text: 'Multiple content types test:' },
    image,
    embedded('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}'),
  ]),
  tool('test_error_handling', () => {
    throw new ToolError('This tool intentionally returns an error for testing');
  }),
  tool('test_tool_with_logging', async (_args, { clientLog }) => {
    clientLog('info', 'Tool execution started');
    await setTimeout(PAUSE);
    clientLog('info', 'Tool processing data');
    await setTimeout(PAUSE);
    clientLog('info', 'Tool execution completed');
    return 'It has logged.';
  }),
  tool('test_logging_tool', (_args, { clientLog }) => {
    clientLog('error', 'Only who asks for it may see this.');
    return 'It has logged where it may.';
  }),
  tool('test_tool_with_progress', async (_args, { progress }) => {
    progress(0, 100);
    await setTimeout(PAUSE);
    progress(50, 100);
    await setTimeout(PAUSE);
    progress(100, 100);
    return 'It is done.';
  }),
  ...askingTools,
];
