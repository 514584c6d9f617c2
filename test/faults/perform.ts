/** Does to a cluster what a plan says, and knows whether it may still be felt. */
import { setTimeout as delay } from 'node:timers/promises';
import { type Cluster, type ClusterNode, leaseSeconds } from '../support/cluster-processes.ts';
import { until } from '../support/services.ts';
import { type Act, describe, type Plan } from './schedule.ts';

export type Performance = {
  /** Something is broken, or was a moment ago: sessions may be lost, and requests refused. */
  isTroubled(): boolean;
  /** Resolves when the last step has healed, or after `stop`. */
  readonly done: Promise<void>;
  /** Begins no further step. */
  stop(): void;
};

export type PerformOptions = {
  cluster: Cluster;
  plan: Plan;
  /** What happens, as it happens. */
  note: (what: string) => void;
  /** What must not happen. */
  fail: (what: string) => void;
};

/** Once mended: a lease until the dead are known, what questions and reconnects wait for, and a busy machine. */
const healMs = leaseSeconds * 1000 + 6000;
/** For a node to start beside another trouble, which lasts seconds. */
const startMs = 60_000;
/** What a delayed link adds to each way. */
const lagMs = 150;

export function perform(options: PerformOptions): Performance {
  const { cluster, plan, note, fail } = options;
  const stop = new AbortController();
  let troubles = 0;
  let lastEnd = Number.NEGATIVE_INFINITY;

  async function during(act: Act, isAlone: boolean): Promise<void> {
    troubles += 1;
    note(describe(act));
    try {
      await doAct(cluster, act, isAlone, fail);
    } catch (error) {
      fail(`${describe(act)}: ${String(error)}`);
    }
    troubles -= 1;
    lastEnd = performance.now();
    note(`over: ${describe(act)}`);
  }

  async function run(): Promise<void> {
    const start = performance.now();
    for (const { at, main, beside } of plan.steps) {
      await pause(start + at - performance.now(), stop.signal);
      if (stop.signal.aborted) return;
      const other = beside && pause(beside.afterMs, stop.signal).then(() => during(beside.act, false));
      await Promise.all([during(main, beside === undefined), other]);
    }
  }

  return {
    isTroubled: () => troubles > 0 || performance.now() - lastEnd < healMs,
    done: run(),
    stop: () => stop.abort(),
  };
}

async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  if (ms > 0) await delay(ms, undefined, signal === undefined ? {} : { signal }).catch(() => {});
}

/** `isAlone`: nothing else is broken meanwhile. */
async function doAct(cluster: Cluster, act: Act, isAlone: boolean, fail: (what: string) => void): Promise<void> {
  const { postgres, redis } = cluster;
  switch (act.kind) {
    case 'redis away':
      await redis.stop();
      await pause(act.forMs);
      return redis.start();
    case 'postgres crashed':
    case 'postgres halted':
      await (act.kind === 'postgres crashed' ? postgres.crash() : postgres.halt());
      await pause(act.forMs);
      return postgres.start();
    case 'link':
      return breakLink(nodeOf(cluster, act.node), act);
    case 'pause': {
      const node = nodeOf(cluster, act.node);
      node.pause();
      await pause(act.forMs);
      return node.wake();
    }
    case 'kill': {
      const node = nodeOf(cluster, act.node);
      await node.kill();
      await pause(act.forMs);
      return startAgain(node, isAlone);
    }
    case 'terminate': {
      const node = nodeOf(cluster, act.node);
      const code = await node.stop();
      // Without its database it can't say good-bye.
      if (code !== 0 && isAlone) fail(`node ${act.node} ended with ${String(code)} after SIGTERM`);
      await pause(act.forMs);
      return startAgain(node, isAlone);
    }
    default:
      throw new RangeError(`There is no act ${String(act satisfies never)}.`);
  }
}

/** As whoever looks after a server does: one whose database went away while it started is started anew. */
function startAgain(node: ClusterNode, isAlone: boolean): Promise<void> {
  return isAlone ? node.start() : until(startMs, () => node.start());
}

async function breakLink({ links }: ClusterNode, { link, how, forMs }: Extract<Act, { kind: 'link' }>): Promise<void> {
  const proxy = links[link];
  if (how === 'cut') return proxy.cut();
  if (how === 'refuse') proxy.refuse();
  else if (how === 'delay') proxy.delay(lagMs);
  else proxy.stall(how === 'stall up' ? 'up' : how === 'stall down' ? 'down' : 'both');
  await pause(forMs);
  proxy.resume();
}

function nodeOf({ nodes }: Cluster, index: number): ClusterNode {
  const node = nodes[index];
  if (node === undefined) throw new RangeError(`There is no node ${index}.`);
  return node;
}
