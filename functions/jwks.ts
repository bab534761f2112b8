import type { HttpTrigger } from '../src/index.ts';

/** The public keys of our access tokens. */
export default {
  name: 'jwks',
  methods: ['GET', 'OPTIONS'],
  authLevel: 'anonymous',
  route: '.well-known/jwks.json',
  endpoint: 'jwks',
  callers: 'programs',
} satisfies HttpTrigger;
