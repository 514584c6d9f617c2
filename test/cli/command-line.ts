/** The built command line as a child process, as people and scripts run it: on a folder of its own, with a clean environment. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import pLimit from 'p-limit';
import { createSqliteDatabase } from '../support/databases.ts';

/** dist/test/cli/command-line.js → dist/cli/main.js */
export const program: string = fileURLToPath(new URL('../../cli/main.js', import.meta.url));

// AVA starts all tests of a file at once; more processes than processors only make each of them late.
const turns = pLimit(2);

export type Env = Record<string, string>;
export type Ended = { code: number | null; signal: NodeJS.Signals | null; stdout: string; stderr: string };
export type RunOptions = { env?: Env; input?: string; folder?: string };

export type Desk = {
  /** The working directory: empty at first, removed in teardown. */
  readonly folder: string;
  /** What every command gets, without the tests' own environment. */
  readonly env: Env;
  /** Runs a command to its end. Without `input`, stdin is empty. */
  run(args: readonly string[], options?: RunOptions): Promise<Ended>;
  /** Runs a command that must succeed with an empty stderr; resolves its `--json` document. */
  json(args: readonly string[], options?: RunOptions): Promise<unknown>;
  /** Starts a command and leaves it running; it is ended in teardown. */
  start(args: readonly string[], options?: RunOptions): ChildProcess;
};

/** A place to run commands in. `database`: its URL; left out: a migrated SQLite file; null: none (the default, `data/` of the folder). */
export async function openDesk(t: ExecutionContext, options: { database?: string | null } = {}): Promise<Desk> {
  const folder = await mkdtemp(join(tmpdir(), 'finchat-cli-'));
  t.teardown(() => rm(folder, { recursive: true, force: true }));
  const env: Env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    // The cheapest hash: these tests are not about it.
    BCRYPT_ROUNDS: '4',
  };
  const url = options.database === undefined ? (await createSqliteDatabase(t)).url : options.database;
  if (url !== null) env['DATABASE_URL'] = url;

  const launch = (args: readonly string[], { env: more = {}, folder: cwd = folder }: RunOptions): ChildProcess =>
    spawn(process.execPath, [program, ...args], { cwd, env: { ...env, ...more }, stdio: 'pipe' });

  async function runNow(args: readonly string[], options: RunOptions): Promise<Ended> {
    const child = launch(args, options);
    child.stdin?.on('error', () => {
      // A command that reads nothing may have ended before its input was written.
    });
    child.stdin?.end(options.input ?? '');
    let stdout = '';
    let stderr = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null];
    return { code, signal, stdout, stderr };
  }

  const run: Desk['run'] = (args, options = {}) => turns(() => runNow(args, options));

  return {
    folder,
    env,
    run,
    async json(args, options) {
      const ended = await run([...args, '--json'], options);
      if (ended.code !== 0 || ended.stderr !== '') {
        throw new Error(`finchat ${args.join(' ')} --json ended with ${ended.code}: ${ended.stderr}`);
      }
      return JSON.parse(ended.stdout);
    },
    start(args, options = {}) {
      const child = launch(args, options);
      t.teardown(async () => {
        if (child.exitCode !== null || child.signalCode !== null) return;
        const ended = once(child, 'close');
        child.kill('SIGKILL');
        await ended;
      });
      return child;
    },
  };
}
