import type { HttpTrigger } from '../src/index.ts';

/** The protected resource’s metadata, at the root. */
export default {
  name: 'protected-resource',
  methods: ['GET', 'OPTIONS'],
  authLevel: 'anonymous',
  route: '.well-known/oauth-protected-resource',
  endpoint: 'resourceMetadata',
  callers: 'programs',
} satisfies HttpTrigger;
