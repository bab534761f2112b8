import type { HttpTrigger } from '../src/index.ts';

/** The authorization server’s metadata, at the root alone. */
export default {
  name: 'authorization-server',
  methods: ['GET', 'OPTIONS'],
  authLevel: 'anonymous',
  route: '.well-known/oauth-authorization-server',
  endpoint: 'serverMetadata',
  callers: 'programs',
} satisfies HttpTrigger;
