/**
 * A process of its own that uses a database, for tests of what two processes do to each other. The child's part is
 * storage-child.ts; it writes one JSON line when it has done what it was told.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Interface } from 'node:readline';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext } from 'ava';
import type { ClaimStore, NodeStore } from '../../src/core/cluster-ports.ts';
import type { StoreErrorKind } from '../../src/core/ports.ts';
import { StoreError } from '../../src/core/ports.ts';

/**
 * - `migrate`: runs `up`; answers the names.
 * - `seed`: seeds three rooms; answers how many it created.
 * - `lock`: takes the server's lock; answers whether it has it, and holds it until it is killed.
 * - `hold-write`: takes SQLite's write lock; answers true, and holds it until it is killed.
 * - `calls`: answers true, and then each line, which is a Call, by an Answer, until it is killed.
 */
export type StorageCommand = 'migrate' | 'seed' | 'lock' | 'hold-write' | 'calls';

export type StorageProcess = {
  /** Resolves what the child answered first. */
  answer: Promise<unknown>;
  /** What it answers later, line by line. */
  lines: Interface;
  /** Writes a line to it. */
  tell(value: unknown): void;
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
  const tell = (value: unknown): void => void child.stdin.write(`${JSON.stringify(value)}\n`);
  return { answer, lines, tell, kill };
}

export type Call = { id: number; store: 'nodes' | 'claims'; method: string; args: unknown[] };
export type Answer = { id: number; value?: unknown; failure?: { kind: StoreErrorKind; message: string } };

/** The stores of another process: each call is made there. */
export async function openStoresElsewhere(
  t: ExecutionContext,
  url: string,
): Promise<{ nodes: NodeStore; claims: ClaimStore }> {
  const child = startStorageProcess(t, 'calls', url);
  const waiting = new Map<number, { resolve(value: unknown): void; reject(error: Error): void }>();
  child.lines.on('line', (line) => {
    const { id, value, failure } = JSON.parse(line) as Answer;
    const call = waiting.get(id);
    waiting.delete(id);
    if (failure === undefined) call?.resolve(value);
    else call?.reject(new StoreError(failure.kind, failure.message));
  });
  await child.answer;
  let last = 0;
  const storeElsewhere = (store: Call['store']): object =>
    new Proxy(
      {},
      {
        // No promise: whoever awaits the store must not call it.
        get: (_target, method) =>
          method === 'then'
            ? undefined
            : (...args: unknown[]) =>
                new Promise((resolve, reject) => {
                  last += 1;
                  waiting.set(last, { resolve, reject });
                  child.tell({ id: last, store, method: String(method), args } satisfies Call);
                }),
      },
    );
  return { nodes: storeElsewhere('nodes') as NodeStore, claims: storeElsewhere('claims') as ClaimStore };
}
