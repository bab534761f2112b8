/** What to type, or to paste, so that a client knows the server. */

/** @param url of the MCP endpoint */
export function linesForClients(url: string): [client: string, line: string][] {
  const name = 'entra-mcp';
  return [
    ['VS Code', `code --add-mcp ${quoted(JSON.stringify({ name, type: 'http', url }))}`],
    ['Claude Code', `claude mcp add --transport http ${name} ${url}`],
    ['Cursor', `in ~/.cursor/mcp.json: ${JSON.stringify({ mcpServers: { [name]: { url } } })}`],
    ['Codex', `codex mcp add ${name} --url ${url}`],
    ['Inspector', `npx @modelcontextprotocol/inspector --transport http --server-url ${url}`],
    ['Example client', `npm run client -- ${url}`],
  ];
}

/** As one argument of a shell: Windows' knows no single quotes. */
function quoted(json: string): string {
  return process.platform === 'win32' ? `"${json.replaceAll('"', '\\"')}"` : `'${json}'`;
}
