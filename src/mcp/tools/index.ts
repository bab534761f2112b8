// Written by dev/collect-tools.ts: every file of this folder is a tool. Do not edit.
import type { Tool } from '../define-tool.ts';
import calculateSum from './calculate-sum.ts';
import deleteUserNote from './delete-user-note.ts';
import getServerInfo from './get-server-info.ts';
import getUserNotes from './get-user-notes.ts';
import getUserProfile from './get-user-profile.ts';
import saveUserNote from './save-user-note.ts';

export const tools: readonly Tool[] = [
  calculateSum,
  deleteUserNote,
  getServerInfo,
  getUserNotes,
  getUserProfile,
  saveUserNote,
];
