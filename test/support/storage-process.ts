/**
 * A process of its own that uses a database, for tests of what two processes do to each other. The child's part is
 * storage-child.ts; it writes one JSON line when it has done what it was told.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';

/**
 * - `migrate`: runs `up`; answers the names.
 * - `seed`: seeds three rooms; answers how many it created.
 * - `lock`: takes the server's lock; answers whether it has it, and holds it until it is killed.
 * - `hold-write`: takes SQLite's write lock; answers true, and holds it until it is killed.
 */
export type StorageCommand = 'migrate' | 'seed' | 'lock' | 'hold-write';

export type StorageProcess = {
  /** Resolves what the child answered. */
  answer: Promise<unknown>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
};

/** Starts the child; teardown kills it. */
export function startStorageProcess(t: ExecutionContext, command: StorageCommand, url: string): StorageProcess {
  const program = fileURLToPath(new URL('storage-child.js', import.meta.url));
  const child = spawn(process.execPath, [program, command, url], { stdio: ['pipe', 'pipe', 'inherit'] });
  // 'close' comes after the last of its output.
  const ended = once(child, 'close');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  t.teardown(kill);
  const lines = createInterface({ input: child.stdout });
  const answer = Promise.race([
    once(lines, 'line').then(([line]) => JSON.parse(String(line)) as unknown),
    ended.then(([code]) => {
      throw new Error(`The child ended with ${String(code)} before it answered.`);
    }),
  ]);
  return { answer, kill };
}
