/**
 * The public face: for the functions of this project, and for other apps that embed it. A type is here if somebody who
 * writes a handler, or gives an option, may have to name it; what the settings are made of is read by way of `Config`.
 */
export type { AccessToken } from './access/access-token.ts';
export {
  DownstreamRefusedError,
  type DownstreamRequest,
  type DownstreamToken,
  type TokenFor,
} from './access/downstream.ts';
export type { Person, PersonId } from './access/person.ts';
export type { ScopeDeclaration, ScopeDeclarations } from './access/scopes.ts';
export type { App, EndpointName, Surroundings } from './app.ts';
export { type Config, ConfigError, type LoadedConfig, loadConfig } from './config.ts';
export { createEntraMcp, type EntraMcp, type EntraMcpOptions } from './entra-mcp.ts';
export type { Endpoint, RequestContext } from './http/endpoint.ts';
export { UnavailableError } from './http/errors.ts';
export { createLogger, type LogFields, type Logger, type LogLevel, type LogSink } from './log.ts';
export type { Completer, Completers, Suggestions } from './mcp/completer.ts';
export { type Draft, definePrompt, type Prompt, type PromptDefinition } from './mcp/define-prompt.ts';
export {
  defineResource,
  type Resource,
  type ResourceContent,
  type ResourceDefinition,
  type ResourcePage,
} from './mcp/define-resource.ts';
export {
  type ContentToolDefinition,
  defineTool,
  type GraphAccess,
  type ServerFacts,
  type Services,
  type Tool,
  type ToolContent,
  type ToolContext,
  type ToolDefinition,
  ToolError,
} from './mcp/define-tool.ts';
export type { ClientLog, Progress } from './mcp/notify-client.ts';
export type { Presentation } from './mcp/presentation.ts';
export type {
  Answer,
  Answers,
  AskBack,
  Form,
  FormAnswer,
  Question,
  QuestionKind,
  Questions,
  Roots,
  Sampling,
} from './mcp/questions.ts';
export type { FunctionsApp } from './register.ts';
export { samples } from './samples.ts';
export { SETTINGS, type Setting } from './settings.ts';
export type { StorageCheck } from './storage/check.ts';
export type { Note, NotePage, Notes, SaveOutcome } from './storage/notes.ts';
export type { PurgeReport } from './storage/purge.ts';
export type { HttpTrigger, TimerTrigger } from './trigger.ts';
export { VERSION } from './version.ts';
