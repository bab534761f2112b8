import type { HttpTrigger } from '../src/index.ts';

/** Token revocation. */
export default {
  name: 'oauth-revoke',
  methods: ['POST', 'OPTIONS'],
  authLevel: 'anonymous',
  route: 'oauth/revoke',
  endpoint: 'revoke',
  callers: 'programs',
} satisfies HttpTrigger;
