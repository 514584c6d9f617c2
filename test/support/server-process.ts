/**
 * The built server as a process of its own (`finchat serve`), on a free port of 127.0.0.1, in an empty folder, so that
 * no `.env` and no database of this machine is met. For tests that kill it, and for those that need the real program.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import { until } from './services.ts';

export type ServerProcess = {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  readonly pid: number;
  /** Everything it has written so far, on both outputs. */
  output(): string;
  /** Resolves when it has ended, by whatever: the exit code, null when a signal killed it. */
  readonly exited: Promise<number | null>;
  /** Sends the signal and waits for nothing: SIGSTOP, SIGCONT. */
  signal(signal: NodeJS.Signals): void;
  /** Sends the signal; resolves the exit code when the process is gone, null when the signal killed it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
};

const program = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
/** A start migrates and may wait for the lock of a server that was killed; several start at once on a loaded machine. */
const startDeadlineMs = 45_000;

/**
 * Starts the server and resolves when it is ready. `env` is added to quiet settings for tests: a free port, cheap
 * password hashes, no rate limits. Rejects with its output when it does not come up. Killed in teardown.
 */
export async function startServerProcess(
  t: Pick<ExecutionContext, 'teardown'>,
  env: Readonly<Record<string, string>>,
): Promise<ServerProcess> {
  const folder = await mkdtemp(join(tmpdir(), 'finchat-server-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const child = spawn(process.execPath, [program, 'serve'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      PATH: process.env['PATH'],
      PORT: '0',
      LOG_FORMAT: 'json',
      BCRYPT_ROUNDS: '4',
      RATE_LIMITS: 'off',
      ...env,
    },
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (output += chunk.toString()));
  const exited = (once(child, 'exit') as Promise<[code: number | null]>).then(([code]) => code);
  const end = (signal: NodeJS.Signals): Promise<number | null> => {
    child.kill(signal);
    return exited;
  };
  t.teardown(() => end('SIGKILL'));

  const hasEnded = (): boolean => child.exitCode !== null || child.signalCode !== null;
  /** Its address; undefined: it has ended. */
  const ready = async (): Promise<string | undefined> => {
    if (hasEnded()) return undefined;
    const url = /"url":"(http:[^"]+)"/.exec(output)?.[1];
    if (url === undefined) throw new Error('The server has not said where it listens.');
    const { status } = await fetch(`${url}/readyz`, { headers: { connection: 'close' } });
    if (status !== 200) throw new Error(`GET /readyz answered ${status}.`);
    return url;
  };
  try {
    const url = await until(startDeadlineMs, ready);
    if (url === undefined) throw new Error(`The server ended with ${await exited} before it was ready.`);
    const signal = (name: NodeJS.Signals): void => void child.kill(name);
    return { url, pid: child.pid ?? 0, output: () => output, exited, signal, end };
  } catch (error) {
    // Whoever tries again wants its port.
    await end('SIGKILL');
    throw new Error(`The server did not start. It wrote:\n${output}`, { cause: error });
  }
}
