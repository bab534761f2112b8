import type { CreateMessageRequestParams, CreateMessageResult, Root } from '@modelcontextprotocol/server';
import type * as z from 'zod';

/** What a handler may ask its client for while it works on a request (MCP 2026-07-28, "Multi Round-Trip Requests"). */
export type Question = Form | Sampling | Roots;

/** A form for the person: fields of text, numbers, booleans and choices, none nested. */
export interface Form<Fields extends z.ZodObject = z.ZodObject> {
  /** What the person reads above the fields. */
  readonly form: string;
  readonly fields: Fields;
}

/** A message that the client has its model write. */
export interface Sampling {
  readonly sampling: CreateMessageRequestParams;
}

/** The folders that the client works in. */
export interface Roots {
  readonly roots: true;
}

/** What kind of question a client can be asked. */
export type QuestionKind = 'form' | 'sampling' | 'roots';

/** Questions that are asked at once, by names of the handler's own. */
export type Questions = Readonly<Record<string, Question>>;

/** What became of a form: the person filled it in, or would not. */
export type FormAnswer<Content> =
  | { readonly action: 'accept'; readonly content: Content }
  | { readonly action: 'decline' | 'cancel' };

/** The answer to a question of this type. */
export type Answer<Q extends Question> =
  Q extends Form<infer Fields>
    ? FormAnswer<z.output<Fields>>
    : Q extends Sampling
      ? CreateMessageResult
      : readonly Root[];

/** The answers to {@link Questions}, by the same names. */
export type Answers<Q extends Questions> = { readonly [Name in keyof Q]: Answer<Q[Name]> };

/** Asking the client back; a part of what each handler is given. */
export interface AskBack {
  /** Whether this client can be asked such a question: one of revision 2026-07-28 that says so. */
  readonly canAsk: (kind: QuestionKind) => boolean;
  /**
   * Asks, and gives the answers. There is no waiting: the questions become the answer of the request, and the client
   * sends it again with its answers. **The handler then runs from its beginning**, and each `ask` that has its answers
   * passes. So ask before you change anything. Several calls one after the other ask round by round; what was answered
   * before travels sealed.
   *
   * A lister and a completer can ask nothing: there it is a JSON-RPC error.
   *
   * The answers are the client's word, as the arguments are. What must not happen without the person's consent belongs
   * behind {@link confirm}.
   *
   * @throws ToolError where the client is of an older revision; a JSON-RPC error where it did not say that it can be asked
   */
  readonly ask: <const Q extends Questions>(questions: Q) => Promise<Answers<Q>>;
  /**
   * Has the person confirm what comes next, where the client can ask them; with any other it goes on at once, for such a
   * client asks before it calls a tool that says `destructiveHint`. A confirmation holds for this person, client and
   * request with these very arguments, for the very words that they read, for ten minutes, and once, on all instances:
   * that costs a trip to storage.
   *
   * **Ask all before you change anything**, here too. An `ask` or `confirm` that comes later and has no answer yet leads to
   * another round, in which the handler runs from its beginning, and what the person agreed to before passes again: what
   * was done in between is done once more with each round.
   *
   * @param question what the person reads; a function is called only where they can be asked, in each round, and has to
   *   find the same words as long as they agree to the same; `undefined` asks nothing
   * @throws ToolError when they do not confirm
   * @throws UnavailableError when it cannot be known whether the confirmation was used
   */
  readonly confirm: (question: string | (() => Promise<string | undefined>)) => Promise<void>;
}
