/** What a person reads when everything runs. */
import { relative } from 'node:path';
import { styleText } from 'node:util';
import { connectLines } from '../../src/web/connect.ts';
import { peopleOf } from '../entra/people.ts';
import type { Plan } from './plan.ts';

/** Where people sign in and where the data is. */
export function servicesTable({ entra, azurite, env }: Plan): [string, string][] {
  const rows: [string, string][] = [];
  if (entra) {
    const { ada, grace } = peopleOf(entra.tenantId);
    rows.push([
      'Entra stand-in',
      `http://localhost:${entra.port}  (sign in as ${ada.name} or ${grace.name}; no password)`,
    ]);
  } else {
    rows.push(['Microsoft Entra ID', `the real one, tenant ${env.AUTH_TENANT_ID}; no stand-in is started`]);
  }
  if (azurite) {
    const where = azurite.location ? `data in ${relative('.', azurite.location)}` : 'in memory';
    rows.push(['Table storage', `http://127.0.0.1:${azurite.tablePort}  (Azurite, ${where})`]);
    if (azurite.blobPort) rows.push(['Blob storage', `http://127.0.0.1:${azurite.blobPort}  (Azurite)`]);
  } else {
    rows.push(['Storage', 'your own account, from AzureWebJobsStorage; no emulator is started']);
  }
  return rows;
}

/** All of it: what runs where, and how a client gets there. */
export function summary(plan: Plan): string {
  const { url, mcpUrl } = plan.app;
  return [
    heading('What runs where'),
    table([['MCP endpoint', mcpUrl], ['In a browser', `${url}/`], ...servicesTable(plan)]),
    '',
    heading('Connect a client'),
    table(clientLines(mcpUrl)),
    ...behind(plan),
  ].join('\n');
}

/** The servers of the gateway: a client is told of them in the same way. */
function behind({ gateway }: Plan): string[] {
  if (gateway.length === 0) return [];
  const rows = gateway.map(({ name, mcpUrl }): [string, string] => [name, mcpUrl]);
  return ['', heading('Behind the gateway, for a client in the same way'), table(rows)];
}

/** What to copy for each client. */
function clientLines(mcpUrl: string): [string, string][] {
  return [
    ...connectLines('entra-mcp', mcpUrl).map(({ client, where, line }): [string, string] => [
      client,
      where === 'in a terminal' ? line : `${where}: ${line}`,
    ]),
    ['Claude Desktop', `in claude_desktop_config.json: ${claudeDesktop(mcpUrl)}`],
    ['Inspector', `npx @modelcontextprotocol/inspector --transport http --server-url ${mcpUrl}`],
    ['The example', `npm run client -- ${mcpUrl}`],
  ];
}

/** Its connectors come from Anthropic's network, so a server on this machine needs a bridge. */
function claudeDesktop(mcpUrl: string): string {
  return JSON.stringify({ mcpServers: { 'entra-mcp': { command: 'npx', args: ['-y', 'mcp-remote', mcpUrl] } } });
}

export function table(rows: [string, string][]): string {
  const width = Math.max(...rows.map(([name]) => name.length));
  return rows.map(([name, value]) => `  ${name.padEnd(width)}  ${value}`).join('\n');
}

export function heading(text: string): string {
  return styleText('bold', text);
}

export function warning(text: string): string {
  return `${styleText('yellow', 'Note:')} ${text}`;
}
