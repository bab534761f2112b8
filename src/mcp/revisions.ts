import { SUPPORTED_PROTOCOL_VERSIONS } from '@modelcontextprotocol/server';

/** The first revision without sessions. The library serves it and exports only the names of the older ones. */
export const STATELESS_REVISION = '2026-07-28';

/** The revisions of MCP that the endpoint serves, newest first. */
export const PROTOCOL_REVISIONS: readonly string[] = [STATELESS_REVISION, ...SUPPORTED_PROTOCOL_VERSIONS];
