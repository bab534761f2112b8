import type { HttpTrigger } from '../src/index.ts';

/** The protected resource’s metadata, at the location that its path gives. */
export default {
  name: 'protected-resource-mcp',
  methods: ['GET', 'OPTIONS'],
  authLevel: 'anonymous',
  route: '.well-known/oauth-protected-resource/mcp',
  endpoint: 'resourceMetadata',
  callers: 'programs',
} satisfies HttpTrigger;
