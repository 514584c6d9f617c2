/** Opens connections that do nothing, and weighs what each costs the server in memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { IdlePlan, IdleResult } from './plan.ts';
import { residentBytes } from './process-stat.ts';
import { openRawSocket, type RawSocket } from './raw-socket.ts';

const openAtOnce = 32;

export async function runIdle(plan: IdlePlan): Promise<IdleResult> {
  // The first connections pay for what all share: code compiled, statements prepared.
  const warm = await openAll(plan, plan.tokens.slice(0, openAtOnce));
  await sleep(plan.settleMs);
  const before = residentBytes(plan.serverPid);
  const start = performance.now();
  const opened = await openAll(plan, plan.tokens.slice(openAtOnce));
  const seconds = (performance.now() - start) / 1000;
  await sleep(plan.settleMs);
  const after = residentBytes(plan.serverPid);
  for (const socket of [...warm.sockets, ...opened.sockets]) socket.end();
  const connections = opened.sockets.length;
  return {
    kind: 'idle',
    connections,
    failedConnections: warm.failed + opened.failed,
    connectsPerSecond: connections / seconds,
    rssPerConnectionKb:
      before === undefined || after === undefined || connections === 0
        ? undefined
        : (after - before) / connections / 1024,
  };
}

/** A connection counts as open once the server has said its first word. */
async function openAll(plan: IdlePlan, tokens: readonly string[]): Promise<{ sockets: RawSocket[]; failed: number }> {
  const left = [...tokens];
  const sockets: RawSocket[] = [];
  let failed = 0;
  const openNext = async (): Promise<void> => {
    for (let token = left.shift(); token !== undefined; token = left.shift()) {
      try {
        sockets.push(await openOne(plan.port, token));
      } catch (error) {
        failed += 1;
        if (failed === 1) console.error(`bench: a connection failed: ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: openAtOnce }, openNext));
  return { sockets, failed };
}

async function openOne(port: number, token: string): Promise<RawSocket> {
  let settle: { resolve(): void; reject(error: Error): void } | undefined;
  const greeted = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  greeted.catch(() => {});
  const timer = setTimeout(() => settle?.reject(new Error('no greeting within ten seconds')), 10_000);
  try {
    const socket = await openRawSocket(port, `/ws/chat?token=${encodeURIComponent(token)}`, {
      onFrame: (payload) => {
        if (payload.includes('"type":"fatal"')) settle?.reject(new Error(payload.toString('utf8')));
        else settle?.resolve();
      },
      onEnd: (code) => settle?.reject(new Error(`closed with ${code}`)),
    });
    await greeted;
    return socket;
  } finally {
    clearTimeout(timer);
  }
}
