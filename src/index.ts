/** The public face: for the functions of this project, and for other apps that embed it. */
export type { App, EndpointName, Surroundings } from './app.ts';
export { type Config, ConfigError, type LoadedConfig, loadConfig } from './config.ts';
export { createEntraMcp, type EntraMcp, type EntraMcpOptions } from './entra-mcp.ts';
export type { Endpoint, RequestContext } from './http/endpoint.ts';
export { createLogger, type Logger, type LogLevel } from './log.ts';
export { definePrompt, type Prompt } from './mcp/define-prompt.ts';
export { defineResource, type Resource } from './mcp/define-resource.ts';
export { defineTool, type Tool, type ToolContext, ToolError } from './mcp/define-tool.ts';
export type { Presentation } from './mcp/presentation.ts';
export type { FunctionsApp } from './register.ts';
export { samples } from './samples.ts';
export { SETTINGS, type Setting } from './settings.ts';
export type { HttpTrigger, TimerTrigger } from './trigger.ts';
export { VERSION } from './version.ts';
