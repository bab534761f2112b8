import type { HttpTrigger } from '../src/index.ts';

/** The metadata of the protected resources of the gateway, each at the location that its path gives; 404 for other names. */
export default {
  name: 'protected-resource-of-gateway',
  methods: ['GET', 'OPTIONS'],
  authLevel: 'anonymous',
  route: '.well-known/oauth-protected-resource/{name}/mcp',
  endpoint: 'resourceMetadata',
  callers: 'programs',
} satisfies HttpTrigger;
