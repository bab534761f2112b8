import { ProtocolError, ProtocolErrorCode, ResourceNotFoundError, type Server } from '@modelcontextprotocol/server';
import { questionsOf } from './ask-back.ts';
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

  server.setRequestHandler('tools/list', ({ params }) =>
    answer('tools', params?.cursor, position =>
      pageOf(
        [...tools.values()].map(tool => tool.listing),
        position,
      ),
    ),
  );

  server.setRequestHandler('resources/list', ({ params }, { mcpReq }) =>
    answer('resources', params?.cursor, position =>
      pageOfResources([...resources.values()], position, open, (template, page) =>
        run(mcpReq, template, context => template.list(page, context)),
      ),
    ),
  );
  server.setRequestHandler('resources/templates/list', ({ params }) =>
    answer('resourceTemplates', params?.cursor, position =>
      pageOf(
        [...resources.values()].filter(resource => resource.isTemplate && open(resource)).map(templateListing),
        position,
      ),
    ),
  );
  server.setRequestHandler('resources/read', async ({ params: { uri } }, { mcpReq }) => {
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
    server.setRequestHandler(method, () => ({}));
  }

  server.setRequestHandler('prompts/list', ({ params }) =>
    answer('prompts', params?.cursor, position =>
      pageOf(
        [...prompts.values()].map(prompt => prompt.listing),
        position,
      ),
    ),
  );
  server.setRequestHandler('prompts/get', ({ params }, { mcpReq }) => {
    const prompt = prompts.get(params.name);
    if (!prompt) throw unknown('prompt', params.name);
    return run(mcpReq, prompt, context => prompt.get(params.arguments, context)).catch(questionsOf);
  });

  server.setRequestHandler('completion/complete', ({ params: { ref, argument, context } }, { mcpReq }) => {
    const what = ref.type === 'ref/prompt' ? prompts.get(ref.name) : resources.get(ref.uri);
    if (!what) {
      throw ref.type === 'ref/prompt' ? unknown('prompt', ref.name) : unknown('resource template', ref.uri);
    }
    return run(mcpReq, what, found => complete(what.completers, argument, context?.arguments ?? {}, found));
  });
}

const templateListing = ({ listing }: Resource) => listing as Extract<Resource['listing'], { uriTemplate: string }>;

function unknown(kind: string, name: string): ProtocolError {
  return new ProtocolError(ProtocolErrorCode.InvalidParams, `There is no ${kind} ${name}.`);
}
