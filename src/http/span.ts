/**
 * What an operator may learn of a request: a closed list, so that nothing else gets out. Values are of our own making or
 * checked before they are told; no token, code, secret, note, address or name of a person is among them.
 */
export interface SpanFacts {
  /** A client's id. */
  client?: string;
  /** A method of MCP. */
  method?: string;
  tool?: string;
  /** How many messages a batch has. */
  messages?: number;
  /** Why it was refused or failed, in a word of OAuth's or of ours. */
  error?: string;
  /** Entra's number for it, such as AADSTS50105. */
  code?: string;
  /** The service that did not answer. */
  outage?: string;
}

/** What is counted, whatever the sampling. */
export type Counter = 'sign_ins' | 'denials' | 'renewals' | 'revocations' | 'purges';

/** What a request tells of itself, where it is traced. */
export interface Span {
  /** Adds to what is known. */
  tell(facts: SpanFacts): void;
  /** Whose request it is, as `TENANT.OBJECT`. What leaves is a keyed hash. */
  person(key: string): void;
  /**
   * Makes the request a step of a sign-in, whose steps have one trace in common, whatever instance serves them.
   *
   * @param name the sign-in's name, of which nothing but a keyed hash leaves
   * @param startedAt given with the last step: the trace then tells how long the whole took. In milliseconds
   */
  signin(name: string, startedAt?: number): void;
  /** @param kind tells apart what one counter counts: a word of ours */
  count(counter: Counter, kind?: string): void;
}
