import type { HttpMethod } from '@azure/functions';
import type { App, EndpointName } from './app.ts';

/** A function that is asked over HTTP. */
export interface HttpTrigger {
  /** Names the function at the host, which tries those of equal routes in the order of their names. */
  readonly name: string;
  readonly methods: HttpMethod[];
  /** The host asks for no key of its own: who may enter is decided here. */
  readonly authLevel: 'anonymous';
  /** Without a slash at its beginning; `{name}` stands for one part of a path, `{*name}` for all the rest. */
  readonly route: string;
  /** What answers. */
  readonly endpoint: EndpointName;
  /** Who calls: people's browsers, or programs, pages of other sites among them (CORS). */
  readonly callers: 'browsers' | 'programs';
}

/** A function that the clock starts. */
export interface TimerTrigger {
  readonly name: string;
  /** NCRONTAB, of six fields. */
  readonly schedule: string;
  /** What it does. */
  readonly task: keyof Pick<App, 'purge'>;
}
