/** What rounds of every kind share: accounts, waiting, what is stored, and how a fault is told. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import type { Storage } from '../../src/core/ports.ts';
import { until } from '../support/services.ts';
import type { FuzzClient } from './parts.ts';
import type { StoredLog } from './verify.ts';

/** Where the round's things are closed: AVA's context, or whatever has a `teardown`. */
export type Teardowns = Pick<ExecutionContext, 'teardown'>;

/** A server behind a balancer may not be ready at a moment. */
const signUpMs = 20_000;

/** Registers and logs in. Several rounds on one database meet the same users again. */
export function signUp(url: string, username: string): Promise<string> {
  const body = JSON.stringify({ username, password: 'a long enough pass-phrase' });
  const headers = { 'content-type': 'application/json', connection: 'close' };
  return until(signUpMs, async () => {
    await fetch(`${url}/register`, { method: 'POST', headers, body });
    const response = await fetch(`${url}/login`, { method: 'POST', headers, body });
    const { token } = (await response.json()) as { token?: string };
    if (token === undefined) throw new Error(`${username} could not log in: status ${response.status}.`);
    return token;
  });
}

/** Waits until `isDone`, until something is wrong, or for so long. Resolves whether it is done. */
export async function untilFault(
  faults: readonly string[],
  ms: number,
  isDone: () => Promise<boolean>,
  everyMs = 50,
): Promise<boolean> {
  const deadline = performance.now() + ms;
  while (faults.length === 0 && performance.now() < deadline) {
    if (await isDone()) return true;
    await delay(everyMs);
  }
  return false;
}

export async function readLastIds(storage: Storage): Promise<Map<string, number>> {
  const all = await storage.rooms.list();
  const lastIds = await storage.messages.lastIds(all.map((room) => room.id));
  return new Map(all.map((room) => [room.name, lastIds.get(room.id) ?? 0]));
}

export async function readLog(storage: Storage, roomId: number): Promise<StoredLog> {
  const log = new Map<number, { user: string; body: string }>();
  for (let from = 1; ; ) {
    const rows = await storage.messages.range(roomId, from, Number.MAX_SAFE_INTEGER, 1000);
    for (const { id, username, body } of rows) log.set(id, { user: username, body });
    if (rows.length === 0) return log;
    from = (rows.at(-1)?.id ?? 0) + 1;
  }
}

/** Of a diary: the last half minute or so. */
const shownLines = 120;

/** With what its client did last. */
export function withDiary(fault: string, clients: readonly FuzzClient[]): string {
  const client = clients.find(({ name }) => fault.includes(`${name}: `));
  return client === undefined ? fault : `${fault}\n  ${client.diary.lines.slice(-shownLines).join('\n  ')}`;
}

/** Runs what was registered meanwhile, last to first, whatever happened; also when it is interrupted, and then ends the process. */
export async function withTeardowns<T>(work: (teardown: (run: () => unknown) => void) => Promise<T>): Promise<T> {
  const runs: (() => unknown)[] = [];
  const tearDown = async (): Promise<void> => {
    for (let run = runs.shift(); run !== undefined; run = runs.shift()) await run();
  };
  const onSignal = (): void => void tearDown().finally(() => process.exit(1));
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const signal of signals) process.once(signal, onSignal);
  try {
    return await work((run) => void runs.unshift(run));
  } finally {
    for (const signal of signals) process.off(signal, onSignal);
    await tearDown();
  }
}
