import { describe, expect, it } from 'vitest';
import { connectLines } from '../../../src/web/index.ts';

const lineFor = (client: string, name: string, url: string) =>
  connectLines(name, url).find(line => line.client === client)?.line ?? '';

describe('connectLines', () => {
  it('has one line for each common client', () => {
    const lines = connectLines('Entra notes', 'https://notes.example.com/mcp');
    expect(lines.map(({ client }) => client)).toEqual(['VS Code', 'Claude Code', 'Cursor', 'Codex']);
    for (const { line } of lines) {
      expect(line).not.toContain('\n');
      expect(line).toContain('entra-notes');
      expect(line).toContain('https://notes.example.com/mcp');
    }
  });

  it('writes what a shell and a JSON parser read back', () => {
    const url = 'http://localhost:7071/mcp';
    const argument = lineFor('VS Code', 'Notes', url).match(/^code --add-mcp "(.*)"$/)?.[1] ?? '';
    expect(JSON.parse(argument.replaceAll('\\"', '"'))).toEqual({ name: 'notes', type: 'http', url });
    expect(JSON.parse(lineFor('Cursor', 'Notes', url))).toEqual({ mcpServers: { notes: { url } } });
  });

  it.each(['$(rm -rf ~)', '"; reboot; "', '`id`', '李', ''])('makes a harmless name of %j', name => {
    expect(lineFor('Codex', name, 'https://a.example/mcp')).toMatch(
      /^codex mcp add [a-z0-9][a-z0-9-]* --url https:\/\/a\.example\/mcp$/,
    );
  });
});
