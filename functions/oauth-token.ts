import type { HttpTrigger } from '../src/index.ts';

/** The token endpoint. */
export default {
  name: 'oauth-token',
  methods: ['POST', 'OPTIONS'],
  authLevel: 'anonymous',
  route: 'oauth/token',
  endpoint: 'token',
  callers: 'programs',
} satisfies HttpTrigger;
