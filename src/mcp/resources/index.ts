// Written by dev/collect.ts: every file of this folder is a resource. Do not edit.
import type { Resource } from '../define-resource.ts';
import noteResource from './note.ts';

// biome-ignore format: one a line, however few
export const resources: readonly Resource[] = [
  noteResource,
];
