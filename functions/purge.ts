import type { TimerTrigger } from '../src/index.ts';

/** Deletes once an hour what is due. */
export default { name: 'purge', schedule: '0 17 * * * *', task: 'purge' } satisfies TimerTrigger;
