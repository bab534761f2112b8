import type { HttpTrigger } from '../src/index.ts';

/** Dynamic client registration. */
export default {
  name: 'oauth-register',
  methods: ['POST', 'OPTIONS'],
  authLevel: 'anonymous',
  route: 'oauth/register',
  endpoint: 'register',
  callers: 'programs',
} satisfies HttpTrigger;
