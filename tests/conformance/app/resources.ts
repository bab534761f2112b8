import { defineResource } from '../../../src/mcp/define-resource.ts';
import { PIXEL } from './content.ts';

/** The resources that the suite reads. */
const shown = { description: 'For the conformance suite', scopes: [] };

export const resources = [
  defineResource({
    ...shown,
    uri: 'test://static-text',
    name: 'static-text',
    title: 'Text',
    mimeType: 'text/plain',
    read: () => 'This is the content of the static text resource.',
  }),
  defineResource({
    ...shown,
    uri: 'test://static-binary',
    name: 'static-binary',
    title: 'Bytes',
    mimeType: 'image/png',
    read: () => Buffer.from(PIXEL, 'base64'),
  }),
  defineResource({
    ...shown,
    uri: 'test://watched-resource',
    name: 'watched-resource',
    title: 'Watched',
    mimeType: 'text/plain',
    read: () => 'It never changes.',
  }),
  defineResource({
    ...shown,
    uri: 'test://template/{id}/data',
    name: 'template',
    title: 'Template',
    mimeType: 'application/json',
    read: ({ id }) => JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }),
  }),
];
