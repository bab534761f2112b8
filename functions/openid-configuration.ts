import type { HttpTrigger } from '../src/index.ts';

/** The same at OpenID Connect Discovery’s location. */
export default {
  name: 'openid-configuration',
  methods: ['GET', 'OPTIONS'],
  authLevel: 'anonymous',
  route: '.well-known/openid-configuration',
  endpoint: 'serverMetadata',
  callers: 'programs',
} satisfies HttpTrigger;
