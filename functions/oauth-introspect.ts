import type { HttpTrigger } from '../src/index.ts';

/** Token introspection, for resource servers that the operator has named; pages of other sites have no business here. */
export default {
  name: 'oauth-introspect',
  methods: ['POST'],
  authLevel: 'anonymous',
  route: 'oauth/introspect',
  endpoint: 'introspect',
  callers: 'browsers',
} satisfies HttpTrigger;
