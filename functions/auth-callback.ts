import type { HttpTrigger } from '../src/index.ts';

/** Where Entra sends the browser back to. */
export default {
  name: 'auth-callback',
  methods: ['GET'],
  authLevel: 'anonymous',
  route: 'auth/callback',
  endpoint: 'callback',
  callers: 'browsers',
} satisfies HttpTrigger;
