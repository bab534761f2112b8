import type { HttpTrigger } from '../src/index.ts';

/** Whether everything that this app relies on answers. */
export default {
  name: 'health-ready',
  methods: ['GET'],
  authLevel: 'anonymous',
  route: 'health/ready',
  endpoint: 'ready',
  callers: 'browsers',
} satisfies HttpTrigger;
