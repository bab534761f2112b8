/** The first revision without sessions. */
export const STATELESS_REVISION = '2026-07-28';

/**
 * The revisions of MCP that the endpoint serves, newest first. They are the library's, named here so that asking for
 * them does not load it; a test holds the two against each other.
 */
export const PROTOCOL_REVISIONS: readonly string[] = [
  STATELESS_REVISION,
  '2025-11-25',
  '2025-06-18',
  '2025-03-26',
  '2024-11-05',
  '2024-10-07',
];
