/** How one common client is told of the server. */
export interface ConnectLine {
  readonly client: string;
  /** Where the line goes: a terminal, or a file. */
  readonly where: string;
  readonly line: string;
}

/**
 * One line for each common client that adds this server to it.
 *
 * @param serverName anything; the name in the lines is made of its letters and digits
 * @param mcpUrl the endpoint's URL
 */
export function connectLines(serverName: string, mcpUrl: string): ConnectLine[] {
  const name =
    serverName
      .toLowerCase()
      .replace(/[^a-z0-9]+/g, '-')
      .replace(/^-+|-+$/g, '') || 'mcp-server';
  const url = new URL(mcpUrl).href;
  const code = JSON.stringify({ name, type: 'http', url }).replaceAll('"', '\\"');
  return [
    { client: 'VS Code', where: 'in a terminal', line: `code --add-mcp "${code}"` },
    { client: 'Claude Code', where: 'in a terminal', line: `claude mcp add --transport http ${name} ${url}` },
    { client: 'Cursor', where: 'in ~/.cursor/mcp.json', line: JSON.stringify({ mcpServers: { [name]: { url } } }) },
    { client: 'Codex', where: 'in a terminal', line: `codex mcp add ${name} --url ${url}` },
  ];
}
