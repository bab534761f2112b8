/**
 * A client's metadata document, or its keys, that this server refuses: the host
 * answered, and what it says is wrong. A host that does not answer is an
 * `UnavailableError` instead.
 */
export class ClientDocumentError extends Error {
  override readonly name = 'ClientDocumentError';
  /** What the person can do. */
  readonly todo: string;

  /** @param what a sentence without its full stop, fit for a page */
  constructor(what: string, todo = 'Tell whoever makes the application: its metadata document is at fault, not you.') {
    super(`${what}.`);
    this.todo = todo;
  }
}
