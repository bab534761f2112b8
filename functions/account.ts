import type { HttpTrigger } from '../src/index.ts';

/** The account page: what has access in a person’s name, and what is kept of them. */
export default {
  name: 'account',
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  route: 'account',
  endpoint: 'account',
  callers: 'browsers',
} satisfies HttpTrigger;
