import type { HttpTrigger } from '../src/index.ts';

/** Where a person agrees at Entra to what a tool needs of another service. */
export default {
  name: 'auth-interaction',
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  route: 'auth/interaction',
  endpoint: 'interaction',
  callers: 'browsers',
} satisfies HttpTrigger;
