import type { HttpTrigger } from '../src/index.ts';

/** The person’s decision. */
export default {
  name: 'oauth-consent',
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  route: 'oauth/consent',
  endpoint: 'consent',
  callers: 'browsers',
} satisfies HttpTrigger;
