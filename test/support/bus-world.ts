/** Several nodes' buses, in memory or over a real Redis, which a test can take away and bring back. */
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { createMemoryBus } from '../../src/bus/memory-bus.ts';
import { openRedisBus } from '../../src/bus/redis-bus.ts';
import { systemClock } from '../../src/core/clock.ts';
import type { Bus, Subscription } from '../../src/core/cluster-ports.ts';
import type { Clock } from '../../src/core/ports.ts';
import { type RedisService, startRedis } from './redis.ts';

export type BusWorld = {
  /** The bus of another node; closed when the test ends. */
  open(): Bus;
  /** Takes what is between the nodes away. */
  break(): Promise<void>;
  mend(): Promise<void>;
};

/** Timers run, and time stands still: nothing is late, however busy the machine is. */
export const standingClock: Clock = { ...systemClock, now: () => 1_000_000 };

/** What a log was told. */
export type SaidLog = {
  said: string[];
  warn(details: object, sentence: string): void;
  info: SaidLog['warn'];
  error: SaidLog['warn'];
};

export function createSaidLog(): SaidLog {
  const said: string[] = [];
  const note = (details: object, sentence: string): void => void said.push(`${sentence} ${JSON.stringify(details)}`);
  return { said, warn: note, info: note, error: note };
}

export async function openMemoryWorld(t: ExecutionContext): Promise<BusWorld> {
  const hub = createMemoryBus();
  return {
    open() {
      const bus = hub.attach();
      t.teardown(() => bus.close());
      return bus;
    },
    async break() {
      hub.break();
    },
    async mend() {
      hub.mend();
    },
  };
}

/** `url`: a Redis that is there already, and cannot be broken. */
export async function openRedisWorld(t: ExecutionContext, url?: string): Promise<BusWorld> {
  let redis: RedisService | undefined = url === undefined ? await startRedis() : undefined;
  const port = redis?.port;
  t.teardown(() => redis?.stop());
  return {
    open: () =>
      url === undefined
        ? openTestBus(t, `redis://127.0.0.1:${port}`)
        : openTestBus(t, url, createSaidLog(), standingClock),
    async break() {
      await redis?.stop();
    },
    async mend() {
      redis = await startRedis(port);
    },
  };
}

export function openTestBus(
  t: ExecutionContext,
  url: string,
  log: SaidLog = createSaidLog(),
  clock: Clock = systemClock,
): Bus {
  const bus = openRedisBus(url, { clock, log });
  t.teardown(() => bus.close());
  return bus;
}

/** A bus that carries already. */
export async function attach(world: BusWorld): Promise<Bus> {
  const bus = world.open();
  await waitUntil(() => bus.isHealthy(), 'the bus is connected');
  return bus;
}

/** A subscription with what it has heard. */
export function collect(bus: Bus, channel: string): Subscription & { heard: Record<string, unknown>[] } {
  const heard: Record<string, unknown>[] = [];
  const subscription = bus.subscribe(channel, (value) => heard.push(value as Record<string, unknown>));
  return { ready: subscription.ready, close: () => subscription.close(), heard };
}

/** Resolves when `isSo` holds; rejects after twenty seconds. */
export async function waitUntil(isSo: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + 20_000;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`Waited in vain: ${what}`);
    await delay(10);
  }
}
