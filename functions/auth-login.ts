import type { HttpTrigger } from '../src/index.ts';

/** Sends the browser to Entra. */
export default {
  name: 'auth-login',
  methods: ['GET'],
  authLevel: 'anonymous',
  route: 'auth/login',
  endpoint: 'login',
  callers: 'browsers',
} satisfies HttpTrigger;
