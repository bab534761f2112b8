/** The project as a person has it, in a folder of its own: its scripts can run, and its sources change, in a test. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const parts = ['src', 'functions', 'dev', 'examples', 'build.ts', 'host.json', 'package.json', 'tsconfig.json'];

export interface Project {
  folder: string;
  /** Starts one of the scripts with Node, as npm does. Its environment is `env` and what every process needs. */
  run(script: string, options?: { args?: string[]; env?: Record<string, string> }): Script;
  /** Ends what still runs and removes the folder. */
  remove(): Promise<void>;
}

export interface Script {
  child: ChildProcess;
  /** All that it has said so far, on both streams. */
  output(): string;
  /** Resolves when the script says this, from the last call on; rejects when it ends before. */
  says(text: string | RegExp): Promise<void>;
  /** The same for several texts, in any order: what the app writes and what the script writes come by different pipes. */
  saysAll(...texts: string[]): Promise<void>;
  send(line: string): void;
  /** Asks it to end, as Ctrl-C does, and gives the exit code. */
  stop(signal?: NodeJS.Signals): Promise<number | null>;
  /** The exit code, when it has ended by itself. */
  ended: Promise<number | null>;
}

export async function copyOfProject(): Promise<Project> {
  const folder = await mkdtemp(join(tmpdir(), 'project-'));
  for (const part of parts) await cp(part, join(folder, part), { recursive: true });
  await symlink(resolve('node_modules'), join(folder, 'node_modules'), 'dir');
  const scripts: Script[] = [];
  return {
    folder,
    run: (script, { args = [], env = {} } = {}) => {
      const started = start(folder, script, args, env);
      scripts.push(started);
      return started;
    },
    remove: async () => {
      await Promise.all(scripts.map(script => script.stop()));
      await rm(folder, { recursive: true });
    },
  };
}

function start(folder: string, script: string, args: string[], env: Record<string, string>): Script {
  const child = spawn(process.execPath, [script, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
    detached: true,
  });
  const lines: string[] = [];
  let read = 0;
  let look = () => {};
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', line => {
      lines.push(line);
      look();
    });
  }
  const ended = once(child, 'close').then(([code]) => code as number | null);

  /** Waits for lines that bear these texts; the next waiting begins after the last of them. */
  function said(texts: readonly (string | RegExp)[]): Promise<void> {
    const from = read;
    const bears = (text: string | RegExp) => (line: string) =>
      typeof text === 'string' ? line.includes(text) : text.test(line);
    return new Promise((resolve, reject) => {
      look = () => {
        const found = texts.map(text => lines.slice(from).findIndex(bears(text)));
        if (found.includes(-1)) return;
        read = from + Math.max(...found) + 1;
        look = () => {};
        resolve();
      };
      look();
      void ended.then(code => reject(new Error(`Ended with ${code} before it said ${texts}:\n${lines.join('\n')}`)));
    });
  }

  return {
    child,
    ended,
    output: () => lines.join('\n'),
    says: text => said([text]),
    saysAll: (...texts) => said(texts),
    send: line => child.stdin.write(`${line}\n`),
    stop: async (signal = 'SIGINT') => {
      // A terminal sends Ctrl-C to the script and to all that it started in its group.
      if (child.pid !== undefined && child.exitCode === null && child.signalCode === null) {
        process.kill(-child.pid, signal);
      }
      return ended;
    },
  };
}
