/** What the person can do, and how a tool's answer looks to them. */
import { randomUUID } from 'node:crypto';
import type { CallToolResult } from '@modelcontextprotocol/client';
import type { Session } from './session.ts';

/** Asks for a line; undefined when there are no more. */
export type Ask = (question: string) => Promise<string | undefined>;
export type Say = (text: string) => void;

interface Choice {
  title: string;
  run(session: Session, ask: Ask, say: Say): Promise<void>;
}

export const choices: readonly Choice[] = [
  { title: 'My profile', run: async (session, _ask, say) => say(shown(await session.call('get_user_profile'))) },
  {
    title: 'Save a note',
    run: async (session, ask, say) => {
      const note = await ask('Note: ');
      // With a key of its own the note is saved once, even if the request is repeated after an answer was lost.
      if (note) say(shown(await session.call('save_user_note', { note, idempotency_key: randomUUID() })));
    },
  },
  {
    title: 'List my notes',
    run: async (session, ask, say) => {
      let cursor: string | undefined;
      do {
        const result = await session.call('get_user_notes', cursor === undefined ? {} : { cursor });
        say(shown(result));
        cursor = nextCursor(result);
      } while (cursor !== undefined && (await ask('Older ones? [Y/n] '))?.toLowerCase().startsWith('n') === false);
    },
  },
  {
    title: 'Delete a note',
    run: async (session, ask, say) => {
      const id = (await ask('Its id: '))?.trim();
      if (id) say(shown(await session.call('delete_user_note', { id })));
    },
  },
  {
    title: 'Add numbers',
    run: async (session, ask, say) => {
      const numbers = (await ask('Numbers, with spaces between: '))
        ?.split(/[\s,;]+/)
        .filter(Boolean)
        .map(Number);
      if (numbers === undefined) return;
      if (numbers.length === 0 || numbers.some(Number.isNaN)) return say('These are not all numbers.');
      say(shown(await session.call('calculate_sum', { numbers })));
    },
  },
  { title: 'About the server', run: async (session, _ask, say) => say(shown(await session.call('get_server_info'))) },
];

function nextCursor({ structuredContent: page }: CallToolResult): string | undefined {
  const isPage = typeof page === 'object' && page !== null && 'next_cursor' in page;
  return isPage && typeof page.next_cursor === 'string' ? page.next_cursor : undefined;
}

/** A tool's result as text: its structured content where it has some, else the text in it. */
export function shown({ content, structuredContent, isError }: CallToolResult): string {
  const texts = content.map(part => plain(part.type === 'text' ? part.text : `(${part.type})`)).join('\n');
  if (isError) return `The tool says: ${texts}`;
  return typeof structuredContent === 'object' && structuredContent !== null
    ? lines(structuredContent).join('\n')
    : texts;
}

/** Text from elsewhere, without what could repaint the terminal: control characters and changes of direction. */
export function plain(text: string): string {
  return text.replaceAll(/(?![\n\t])[\p{Cc}\u202a-\u202e\u2066-\u2069]/gu, '\ufffd');
}

function lines(value: object, indent = ''): string[] {
  return Object.entries(value).flatMap(([name, entry]) => {
    const label = `${indent}${Array.isArray(value) ? '-' : `${plain(name)}:`}`;
    if (entry === null || typeof entry !== 'object') return [`${label} ${plain(String(entry))}`];
    const inner = lines(entry, `${indent}  `);
    if (inner.length === 0) return [`${label} none`];
    // What is in a list begins beside its dash.
    return Array.isArray(value) ? [`${label} ${inner[0]?.trimStart()}`, ...inner.slice(1)] : [label, ...inner];
  });
}
