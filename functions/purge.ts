import { app as functions } from '@azure/functions';
import { app, logOf } from './app.ts';

/** Deletes once an hour what is due. */
functions.timer('purge', {
  schedule: '0 17 * * * *',
  handler: async (_timer, context) => {
    logOf(context).info('purged', { ...(await app.purge()) });
  },
});
