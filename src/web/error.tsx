import { page } from './page.tsx';
import { plainText } from './text.ts';

export interface ErrorProps {
  /** The HTTP status. */
  status: number;
  title: string;
  /** What happened, in one or two sentences. */
  what: string;
  /** What the person can do about it. */
  todo: string;
  /** Names the request in the logs. */
  correlationId: string;
  /** An error code, such as AADSTS50105. */
  detail?: string;
  /** Seconds; also sent as `Retry-After`. */
  retryAfter?: number;
  /** Where to go on. The address is this server's own, never one from a request. */
  action?: { href: string; label: string };
}

/** An error page: what happened, what to do, and the number to quote. */
export function errorPage(props: ErrorProps): Response {
  return page(
    {
      status: props.status,
      title: props.title,
      clientFlow: true,
      ...(props.retryAfter === undefined ? {} : { retryAfter: props.retryAfter }),
    },
    <main>
      <h1>{props.title}</h1>
      <p>{props.what}</p>
      <p>{props.todo}</p>
      {props.action ? <a href={props.action.href}>{props.action.label}</a> : null}
      <dl>
        {props.detail ? (
          <>
            <dt>Error</dt>
            <dd>{plainText(props.detail)}</dd>
          </>
        ) : null}
        <dt>Correlation ID</dt>
        <dd>{props.correlationId}</dd>
      </dl>
    </main>,
  );
}
