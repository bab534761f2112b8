import type { HttpTrigger } from '../src/index.ts';

/** The authorization endpoint. */
export default {
  name: 'oauth-authorize',
  methods: ['GET'],
  authLevel: 'anonymous',
  route: 'oauth/authorize',
  endpoint: 'authorize',
  callers: 'browsers',
} satisfies HttpTrigger;
