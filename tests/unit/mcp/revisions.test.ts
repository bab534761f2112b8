import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';
import { expect, test } from 'vitest';
import { PROTOCOL_REVISIONS, STATELESS_REVISION } from '../../../src/mcp/revisions.ts';

test('the revisions that are told are those of the library', () => {
  // The library exports only the names of the revisions with a handshake.
  expect(PROTOCOL_REVISIONS).toEqual([STATELESS_REVISION, ...SUPPORTED_PROTOCOL_VERSIONS]);
});
