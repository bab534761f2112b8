import { page } from './page.tsx';
import { Mark } from './parts.tsx';
import { plainText } from './text.ts';

export interface ErrorProps {
  /** The HTTP status. */
  readonly status: number;
  readonly title: string;
  /** What happened, in one or two sentences. */
  readonly what: string;
  /** What the person can do about it. */
  readonly todo: string;
  /** Names the request in the logs. */
  readonly correlationId: string;
  /** An error code, such as AADSTS50105. */
  readonly detail?: string | undefined;
  /** Seconds, sent as `Retry-After`. */
  readonly retryAfter?: number | undefined;
  /** Where to go on. The address is this server's own, never one from a request. */
  readonly action?: Link | undefined;
  /** Other ways: the operator's page, or back to an application that the person has approved. */
  readonly links?: readonly Link[] | undefined;
}

interface Link {
  readonly href: string;
  readonly label: string;
}

/** In characters. What happened may quote a request. */
const LONGEST_SENTENCES = 1000;

/** An error page: what happened, what to do, and the number to quote. */
export function errorPage(props: ErrorProps): Response {
  const { title, action, links = [], detail } = props;
  return page(
    { status: props.status, title, clientFlow: true, retryAfter: props.retryAfter },
    <main class="card">
      <Mark />
      <h1>{title}</h1>
      <div class="intro">
        <p>{plainText(props.what, LONGEST_SENTENCES)}</p>
        <p>{plainText(props.todo, LONGEST_SENTENCES)}</p>
      </div>
      {action ? (
        <a class="button main" href={action.href}>
          {action.label}
        </a>
      ) : null}
      {links.map(({ href, label }) => (
        <a class="button" href={href} rel="noreferrer">
          {label}
        </a>
      ))}
      <dl class="facts">
        {detail ? (
          <div>
            <dt>Error</dt>
            <dd>{plainText(detail)}</dd>
          </div>
        ) : null}
        <div>
          <dt>Correlation ID, to quote when you ask for help</dt>
          <dd>{props.correlationId}</dd>
        </div>
      </dl>
    </main>,
  );
}
