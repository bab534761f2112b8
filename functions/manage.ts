import type { HttpTrigger } from '../src/index.ts';

/** The page for administrators. */
export default {
  name: 'manage',
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  route: 'manage',
  endpoint: 'manage',
  callers: 'browsers',
} satisfies HttpTrigger;
