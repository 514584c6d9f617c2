/** Whether the server takes clients, and what it does without at the moment. */
import type { Storage } from './core/ports.ts';
import type { Readiness } from './http/dependencies.ts';
import type { Parts } from './parts.ts';
import type { Now } from './protocol/admin.ts';

export async function readiness(
  parts: Pick<Parts, 'state' | 'cluster' | 'redis'>,
  storage: Pick<Storage, 'ping'>,
): Promise<Readiness> {
  if (parts.state === 'draining') return { ready: false, reason: 'The server is stopping.' };
  try {
    await storage.ping();
  } catch {
    return { ready: false, reason: 'The database cannot be reached.' };
  }
  const { cluster, redis } = parts;
  if (cluster?.isServing === false) {
    return { ready: false, reason: 'The other nodes have marked this one dead. It begins anew.' };
  }
  if (cluster?.isHealthy() === false) {
    return {
      ready: true,
      degraded: [
        'Redis does not carry: messages of other nodes come late, what else happens there is not seen until it does.',
      ],
    };
  }
  return redis?.healthy() === false ? { ready: true, degraded: ['Redis cannot be reached.'] } : { ready: true };
}

export function redisState({ redis, cluster }: Parts): Now['redis'] {
  if (redis === undefined) return 'not used';
  return redis.healthy() && cluster?.isHealthy() !== false ? 'connected' : 'unreachable';
}
