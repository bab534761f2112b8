import { app } from '@azure/functions';
import { handlePage } from './app.ts';

/**
 * Every other path, and every method that a path does not have. The host would say 404 by itself, but not with the same
 * headers as this app, which answers so where nobody is to learn that there is a page. The host tries functions in the
 * order of their names: this one is the last.
 */
app.http('zz-not-found', {
  methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'],
  authLevel: 'anonymous',
  route: '{*path}',
  handler: handlePage('notFound'),
});
