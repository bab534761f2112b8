// Written by dev/collect.ts: every file of this folder is a prompt. Do not edit.
import type { Prompt } from '../define-prompt.ts';
import summarizeNotesPrompt from './summarize-notes.ts';

// biome-ignore format: one a line, however few
export const prompts: readonly Prompt[] = [
  summarizeNotesPrompt,
];
