import type { HttpTrigger } from '../src/index.ts';

/** Whether this instance can serve. */
export default {
  name: 'health',
  methods: ['GET'],
  authLevel: 'anonymous',
  route: 'health',
  endpoint: 'health',
  callers: 'browsers',
} satisfies HttpTrigger;
