/** Showing a page to the person. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';

/**
 * Opens the person's browser, without waiting for it: `BROWSER` (a program that takes the address), or what the system
 * opens web pages with.
 * @returns false when there is no browser to open
 */
export async function openBrowser(url: URL, env: NodeJS.ProcessEnv = process.env): Promise<boolean> {
  // The address comes from a server: nothing but a web page is handed to the system.
  if (url.protocol !== 'https:' && url.protocol !== 'http:') throw new Error(`${url.protocol} is no web address.`);
  const command = browserCommand(env);
  if (command === undefined) return false;
  const [program, ...args] = command;
  const child = spawn(program, [...args, url.href], { stdio: 'ignore', detached: true });
  try {
    await once(child, 'spawn');
    child.unref();
    return true;
  } catch {
    return false;
  }
}

function browserCommand(env: NodeJS.ProcessEnv): [string, ...string[]] | undefined {
  if (env.BROWSER) return [env.BROWSER];
  if (process.platform === 'darwin') return ['open'];
  if (process.platform === 'win32') return ['rundll32', 'url.dll,FileProtocolHandler'];
  // Without a display xdg-open would start a browser inside the terminal.
  return env.DISPLAY || env.WAYLAND_DISPLAY ? ['xdg-open'] : undefined;
}
