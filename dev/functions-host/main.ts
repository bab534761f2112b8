/**
 * The host as a process of its own: `node dev/functions-host/main.ts --root dist --port 7071`. The environment is the
 * app's. It ends by Ctrl-C, SIGTERM, or when the process that started it lets go of it or ends.
 */
import { parseArgs } from 'node:util';
import { startHost } from './host.ts';
import { timeLimits } from './limits.ts';
import { inDetail, type Write } from './log.ts';
import type { FromHost } from './messages.ts';
import { systemClock } from './timers/scheduler.ts';

/** For requests that are still running at the end, in milliseconds. */
const grace = 2000;

const write: Write = (stream, text) => process[stream].write(`${text}\n`);
const tell = (message: FromHost) => process.send?.(message);

const { values } = parseArgs({
  options: {
    root: { type: 'string', default: 'dist' },
    host: { type: 'string', default: '127.0.0.1' },
    port: { type: 'string', default: '7071' },
    'answer-limit': { type: 'string', default: String(timeLimits.answer) },
    'load-limit': { type: 'string', default: String(timeLimits.load) },
  },
});

let stop: () => void = () => process.exit(0);
for (const event of ['SIGINT', 'SIGTERM', 'disconnect'] as const) process.once(event, () => stop());

try {
  const host = await startHost({
    root: values.root,
    host: values.host,
    port: Number(values.port),
    limits: { answer: Number(values['answer-limit']), load: Number(values['load-limit']) },
    clock: systemClock,
    write,
  });
  stop = () => {
    // Whoever asks twice does not want to wait.
    stop = () => process.exit(1);
    host
      .stop(grace)
      .catch(error => write('stderr', inDetail(error)))
      .finally(() => process.exit(0));
  };
  tell({ ready: { port: host.port, functions: host.functions } });
  if (!process.send) {
    for (const { name, route, methods } of host.functions) {
      write('stdout', route === undefined ? `${name}: timer` : `${name}: [${methods}] /${route}`);
    }
    write('stdout', `Listening on http://localhost:${host.port}`);
  }
} catch (error) {
  tell({ failed: error instanceof Error ? error.message : String(error) });
  write('stderr', inDetail(error));
  process.exit(1);
}
