/**
 * Redis: the connection, and attempts counted for all servers together. Redis may be lost at any moment: commands then
 * fail at once instead of waiting, and attempts are counted in this process's memory until it is back.
 */
import { Redis, type RedisOptions } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { AttemptCounter } from '../core/ports.ts';
import { createMemoryAttemptCounter, judge, wholeSeconds } from './memory.ts';

export type RedisLog = { warn(details: object, sentence: string): void; info(details: object, sentence: string): void };

export interface RedisConnection {
  readonly client: Redis;
  /** Whether commands are taken now. False while connecting, too. */
  healthy(): boolean;
  /** Ends the connection; what is under way fails. */
  close(): Promise<void>;
}

/** A log-in waits no longer than this for an answer that does not come. */
const commandTimeoutMs = 500;
const connectTimeoutMs = 2_000;
/** Waits between attempts to connect grow up to this: Redis is noticed again within about that time. */
const reconnectMaxMs = 2_000;

/** Connects in the background and again whenever the connection is lost. Never throws, never emits an unhandled error. */
export function openRedis(url: string, options: { log?: RedisLog } = {}): RedisConnection {
  const { log } = options;
  const client = connectRedis(url, { maxRetriesPerRequest: 1, commandTimeout: commandTimeoutMs, reconnectMaxMs });
  let isLost = false;
  let isClosing = false;
  const handleLoss = (reason: string): void => {
    // Once an outage, not once an attempt. Never the error itself: that of a log-in that failed holds the password.
    if (!isLost && !isClosing) log?.warn({ reason }, 'Redis cannot be reached; the server goes on and tries again.');
    isLost = true;
  };
  client.on('error', (error: Error) => handleLoss(error.message));
  client.on('close', () => handleLoss('The connection was closed.'));
  client.on('ready', () => {
    if (isLost) log?.info({}, 'Redis is back.');
    isLost = false;
  });
  return {
    client,
    healthy: () => client.status === 'ready',
    async close() {
      isClosing = true;
      await endRedis(client);
    },
  };
}

/** A client that connects by itself, again and again, and takes commands only while it is connected. */
export function connectRedis(url: string, options: RedisOptions & { reconnectMaxMs: number }): Redis {
  const { reconnectMaxMs, ...rest } = options;
  return new Redis(url, {
    enableOfflineQueue: false,
    connectTimeout: connectTimeoutMs,
    retryStrategy: (attempt) => Math.min(50 * 2 ** Math.min(attempt, 10), reconnectMaxMs),
    ...rest,
  });
}

/** Ends a client for good. */
export async function endRedis(client: Redis): Promise<void> {
  // Between two attempts to connect there is nothing to end, and ioredis says nothing.
  const isConnected = client.status === 'ready' || client.status === 'connect';
  const closed = isConnected ? new Promise<void>((resolve) => client.once('close', resolve)) : undefined;
  client.disconnect();
  await closed;
}

/** Counts in Redis under `prefix`; does not close the client. */
export function createRedisAttemptCounter(options: { client: Redis; prefix?: string }): AttemptCounter {
  const { client, prefix = 'finchat:attempts' } = options;
  const insurance = createMemoryAttemptCounter();
  const limiter = new RateLimiterRedis({
    storeClient: client,
    keyPrefix: prefix,
    points: Number.MAX_SAFE_INTEGER,
    duration: 1,
    rejectIfRedisNotReady: true,
  });
  return {
    async count(keys) {
      try {
        const counted = await Promise.all(
          keys.map(async ({ key, limit, windowMs }) => {
            const result = await limiter.penalty(key, 1, { customDuration: wholeSeconds(windowMs) });
            return { limit, consumed: result.consumedPoints, windowLeftMs: result.msBeforeNext };
          }),
        );
        return judge(counted);
      } catch {
        // The connection has said what is wrong; here it only matters that nobody is locked out, nor let in freely.
        return insurance.count(keys);
      }
    },
    async forget(keys) {
      await insurance.forget(keys);
      try {
        await Promise.all(keys.map((key) => limiter.delete(key)));
      } catch {
        // A count that stays ends with its window.
      }
    },
    close: () => insurance.close(),
  };
}
