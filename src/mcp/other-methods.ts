import {
  ProtocolError,
  ProtocolErrorCode,
  ResourceNotFoundError,
  type Server,
  specTypeSchemas,
} from '@modelcontextprotocol/server';
import { questionsOf, refuseQuestions } from './ask-back.ts';
import { attempt } from './attempt.ts';
import { resourceAt } from './catalogue.ts';
import { complete } from './completer.ts';
import { openCursor, type Position, sealCursor } from './cursors.ts';
import type { Resource } from './define-resource.ts';
import type { ToolContext } from './define-tool.ts';
import type { Exchange } from './exchange.ts';
import { type Page, pageOf, pageOfResources } from './list-resources.ts';
import type { McpRequest } from './notify-client.ts';
import { type Guarded, isOpenTo, runHandler } from './run-handler.ts';
import type { ServerOptions } from './server.ts';

/**
 * What the parameters have to be. The library knows that by itself, but tells who sends others of an internal error, and
 * with these that they are invalid.
 */
const PAGED = { params: specTypeSchemas.PaginatedRequestParams };
const READ = { params: specTypeSchemas.ReadResourceRequestParams };
const GET = { params: specTypeSchemas.GetPromptRequestParams };
const COMPLETE = { params: specTypeSchemas.CompleteRequestParams };

/** Registers all that is served besides the calls of tools: lists, resources, prompts and completion. */
export function registerOtherMethods(server: Server, options: ServerOptions, exchange: Exchange): void {
  const { tools, prompts, resources } = options.catalogue;
  const { person } = exchange.token;
  const open = (one: Guarded) => isOpenTo(one, exchange);
  const run = <T>(request: McpRequest, what: Guarded, work: (context: ToolContext) => Promise<T>) =>
    runHandler(options, exchange, request, what, work);

  /** A page under the list's own name; the cursor that it came by, and leads on with, is sealed. */
  const answer = <Name extends string, T>(
    name: Name,
    cursor: string | undefined,
    page: (position: Position) => Promise<Page<T>> | Page<T>,
  ) =>
    attempt(exchange, exchange.context.log, async () => {
      const { entries, next } = await page(await openCursor(options, name, person, cursor));
      const nextCursor = next && (await sealCursor(options, name, person, next));
      return { [name]: entries, ...(nextCursor && { nextCursor }) } as Record<Name, T[]> & { nextCursor?: string };
    });

  server.setRequestHandler('tools/list', PAGED, params =>
    answer('tools', params.cursor, position =>
      pageOf(
        [...tools.values()].map(tool => tool.listing),
        position,
      ),
    ),
  );

  server.setRequestHandler('resources/list', PAGED, (params, { mcpReq }) =>
    answer('resources', params.cursor, position =>
      pageOfResources([...resources.values()], position, open, (template, page) =>
        run(mcpReq, template, context => template.list(page, context)).catch(refuseQuestions),
      ),
    ),
  );
  server.setRequestHandler('resources/templates/list', PAGED, params =>
    answer('resourceTemplates', params.cursor, position =>
      pageOf(
        [...resources.values()].filter(resource => resource.isTemplate && open(resource)).map(templateListing),
        position,
      ),
    ),
  );
  server.setRequestHandler('resources/read', READ, async ({ uri }, { mcpReq }) => {
    const found = await resourceAt(options.catalogue, uri);
    const { resource, variables } = found ?? {};
    const result =
      resource &&
      variables &&
      (await run(mcpReq, resource, context => resource.read(uri, variables, context)).catch(questionsOf));
    if (!result) throw new ResourceNotFoundError(uri);
    return result;
  });

  // Of older revisions. What a URI names never changes here, so nothing is owed to who subscribes, and none is kept.
  for (const method of ['resources/subscribe', 'resources/unsubscribe'] as const) {
    server.setRequestHandler(method, READ, () => ({}));
  }

  server.setRequestHandler('prompts/list', PAGED, params =>
    answer('prompts', params.cursor, position =>
      pageOf(
        [...prompts.values()].map(prompt => prompt.listing),
        position,
      ),
    ),
  );
  server.setRequestHandler('prompts/get', GET, (params, { mcpReq }) => {
    const prompt = prompts.get(params.name);
    if (!prompt) throw unknown('prompt', params.name);
    return run(mcpReq, prompt, context => prompt.get(params.arguments, context)).catch(questionsOf);
  });

  server.setRequestHandler('completion/complete', COMPLETE, ({ ref, argument, context }, { mcpReq }) => {
    const what = ref.type === 'ref/prompt' ? prompts.get(ref.name) : resources.get(ref.uri);
    if (!what) {
      throw ref.type === 'ref/prompt' ? unknown('prompt', ref.name) : unknown('resource template', ref.uri);
    }
    return run(mcpReq, what, found => complete(what.completers, argument, context?.arguments ?? {}, found)).catch(
      refuseQuestions,
    );
  });
}

const templateListing = ({ listing }: Resource) => listing as Extract<Resource['listing'], { uriTemplate: string }>;

function unknown(kind: string, name: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no ${kind} ${name}.`);
}
