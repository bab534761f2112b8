import type { HttpTrigger } from '../src/index.ts';

/** The landing page. The host takes an empty route for the function’s name, so the route is an optional segment of no length. */
export default {
  name: 'landing',
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  route: '{ignored:maxlength(0)?}',
  endpoint: 'landing',
  callers: 'browsers',
} satisfies HttpTrigger;
