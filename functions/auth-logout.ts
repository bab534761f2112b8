import type { HttpTrigger } from '../src/index.ts';

/** Ends the browser’s session. */
export default {
  name: 'auth-logout',
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  route: 'auth/logout',
  endpoint: 'logout',
  callers: 'browsers',
} satisfies HttpTrigger;
