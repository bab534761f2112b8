/** The public face: for the functions of this project, and for other apps that embed it. */
export { type App, createApp, type EndpointName, SERVER_NAME, type Surroundings } from './app.ts';
export { type Config, ConfigError, type LoadedConfig, loadConfig } from './config.ts';
export type { Endpoint, RequestContext } from './http/endpoint.ts';
export { type AdapterOptions, toHandler } from './http/functions-adapter.ts';
export { createLogger, type Logger, type LogLevel } from './log.ts';
export { definePrompt, type Prompt } from './mcp/define-prompt.ts';
export { defineResource, type Resource } from './mcp/define-resource.ts';
export { defineTool, type Tool, type ToolContext, ToolError } from './mcp/define-tool.ts';
export { SETTINGS, type Setting } from './settings.ts';
export { VERSION } from './version.ts';
