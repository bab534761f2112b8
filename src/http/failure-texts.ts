import type { UnavailableError } from './errors.ts';

/** What a client is told of an outage. */
export function outageText({ service, retryAfterSeconds }: UnavailableError): string {
  return `${service} cannot be reached just now. Try again in ${retryAfterSeconds} seconds.`;
}

/** What a client is told of a fault of ours. */
export function failureText(correlationId: string): string {
  return `Something went wrong here. The log has it under ${correlationId}.`;
}
