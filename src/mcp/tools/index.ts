// Written by dev/collect.ts: every file of this folder is a tool. Do not edit.
import type { Tool } from '../define-tool.ts';
import calculateSumTool from './calculate-sum.ts';
import deleteUserNoteTool from './delete-user-note.ts';
import exportUserNotesTool from './export-user-notes.ts';
import getServerInfoTool from './get-server-info.ts';
import getUserNotesTool from './get-user-notes.ts';
import getUserProfileTool from './get-user-profile.ts';
import saveUserNoteTool from './save-user-note.ts';

// biome-ignore format: one a line, however few
export const tools: readonly Tool[] = [
  calculateSumTool,
  deleteUserNoteTool,
  exportUserNotesTool,
  getServerInfoTool,
  getUserNotesTool,
  getUserProfileTool,
  saveUserNoteTool,
];
