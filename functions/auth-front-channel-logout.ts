import type { HttpTrigger } from '../src/index.ts';

/** Entra’s message that a session of its own is over. */
export default {
  name: 'auth-front-channel-logout',
  methods: ['GET'],
  authLevel: 'anonymous',
  route: 'auth/front-channel-logout',
  endpoint: 'frontChannelLogout',
  callers: 'browsers',
} satisfies HttpTrigger;
