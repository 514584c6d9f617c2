/** Opens connections that do nothing (polls wait), and weighs what each costs the server in memory. */
import { setTimeout as sleep } from 'node:timers/promises';
import { cpuBetween, perEach, readCpu, sum, watchOwn } from './cpu.ts';
import type { IdlePlan, IdleResult } from './plan.ts';
import { residentBytes } from './process-stat.ts';
import type { RawClient, RawClientEvents } from './raw-client.ts';
import { openRawClient } from './transports.ts';

const openAtOnce = 32;

export async function runIdle(plan: IdlePlan): Promise<IdleResult> {
  // The first connections pay for what all share: code compiled, statements prepared.
  const warm = await openAll(plan, plan.tokens.slice(0, openAtOnce));
  const before = await weigh(plan);
  const cpuBefore = readCpu(plan);
  const readOwn = watchOwn();
  const start = performance.now();
  const opened = await openAll(plan, plan.tokens.slice(openAtOnce));
  const seconds = (performance.now() - start) / 1000;
  const cpu = cpuBetween(cpuBefore, readCpu(plan));
  const own = readOwn();
  const after = await weigh(plan);
  for (const client of [...warm.clients, ...opened.clients]) client.end();
  const connections = opened.clients.length;
  return {
    kind: 'idle',
    connections,
    failedConnections: warm.failed + opened.failed,
    connectsPerSecond: connections / seconds,
    serverCpuPerConnectUs:
      connections === 0 || cpu.nodes === undefined ? undefined : (sum(cpu.nodes) / connections) * 1e6,
    helperCpuPerConnectUs: connections === 0 ? {} : perEach(cpu.helpers, connections),
    generatorCpuPerConnectUs: connections === 0 ? undefined : (own.seconds / connections) * 1e6,
    generatorWasLimit: own.wasLimit,
    rssPerConnectionKb:
      before === undefined || after === undefined || connections === 0
        ? undefined
        : (after - before) / connections / 1024,
  };
}

/** Resident memory of all nodes, once what is short-lived is gone. */
async function weigh({ nodes, settleMs, collects }: IdlePlan): Promise<number | undefined> {
  await sleep(settleMs);
  if (collects) {
    for (const { pid } of nodes) process.kill(pid, 'SIGUSR2');
    // The collection itself, and pages given back in its wake.
    await sleep(settleMs);
  }
  const each = nodes.map(({ pid }) => residentBytes(pid));
  return each.includes(undefined) ? undefined : sum(each.map(Number));
}

/** A connection counts as open once the server has said its first word. */
async function openAll(plan: IdlePlan, tokens: readonly string[]): Promise<{ clients: RawClient[]; failed: number }> {
  const left = [...tokens.entries()];
  const clients: RawClient[] = [];
  let failed = 0;
  const openNext = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, token] = next;
      try {
        clients.push(await openOne(plan, plan.nodes[index % plan.nodes.length]?.port ?? 0, token));
      } catch (error) {
        failed += 1;
        if (failed === 1) console.error(`bench: a connection failed: ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: openAtOnce }, openNext));
  return { clients, failed };
}

async function openOne(plan: IdlePlan, port: number, token: string): Promise<RawClient> {
  let settle: { resolve(): void; reject(error: Error): void } | undefined;
  const greeted = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  greeted.catch(() => {});
  const timer = setTimeout(() => settle?.reject(new Error('no greeting within ten seconds')), 10_000);
  try {
    const events: RawClientEvents = {
      onMessage: (bytes, from, to) => {
        const message = bytes.toString('utf8', from, to);
        if (message.includes('"type":"fatal"')) settle?.reject(new Error(message));
        else settle?.resolve();
      },
      onEnd: (how) => settle?.reject(new Error(how)),
    };
    const client = await openRawClient[plan.transport](port, token, events);
    await greeted;
    return client;
  } finally {
    clearTimeout(timer);
  }
}
