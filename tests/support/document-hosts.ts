import type { FetchDocument } from '../../src/oauth/clients/documents/public-fetch.ts';
import { REDIRECT_URI } from './flows.ts';

/** The web that clients' metadata documents are on, as far as the app sees it. */
export interface DocumentHosts {
  /** For `startAppServer`. */
  readonly fetchDocument: FetchDocument;
  /** Every URL that was asked for, in order. */
  readonly fetched: string[];
  /** From now on a URL is answered so; nothing is there where nothing is served. */
  serve(url: string, answer: unknown, headers?: Record<string, string>): void;
  /** From now on a URL is answered so. */
  answer(url: string, answer: () => Response | Promise<Response>): void;
  /** From now on there is no answer from that URL. */
  takeDown(url: string): void;
}

export function createDocumentHosts(): DocumentHosts {
  const answers = new Map<string, () => Response | Promise<Response>>();
  const fetched: string[] = [];
  return {
    fetched,
    fetchDocument: async url => {
      fetched.push(url);
      return (await answers.get(url)?.()) ?? new Response(null, { status: 404 });
    },
    serve: (url, answer, headers = {}) => answers.set(url, () => Response.json(answer, { headers })),
    answer: (url, answer) => answers.set(url, answer),
    takeDown: url =>
      answers.set(url, () => {
        throw new Error('ECONNREFUSED');
      }),
  };
}

/** A metadata document of a public client. */
export function documentOf(clientId: string, change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    client_id: clientId,
    client_name: 'A client with a document',
    redirect_uris: [REDIRECT_URI],
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'none',
    ...change,
  };
}
