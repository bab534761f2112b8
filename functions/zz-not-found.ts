import type { HttpTrigger } from '../src/index.ts';

/**
 * Every other path. The host would say 404 by itself, but not with the same headers as this app, which answers so at
 * `/manage` to whom the page is not for; so the methods are those of that page, and the host answers the others at both.
 * It tries functions in the order of their names: this one is the last.
 */
export default {
  name: 'zz-not-found',
  methods: ['GET', 'POST'],
  authLevel: 'anonymous',
  route: '{*path}',
  endpoint: 'notFound',
  callers: 'browsers',
} satisfies HttpTrigger;
