/** Whether the server takes clients, and what it does without at the moment. */
import type { Storage } from './core/ports.ts';
import type { Readiness } from './http/dependencies.ts';
import type { Parts } from './parts.ts';
import type { Now } from './protocol/admin.ts';

export async function readiness(parts: Parts, storage: Storage): Promise<Readiness> {
  if (parts.state === 'draining') return { ready: false, reason: 'The server is stopping.' };
  try {
    await storage.ping();
  } catch {
    return { ready: false, reason: 'The database cannot be reached.' };
  }
  if (parts.redis?.healthy() === false) return { ready: true, degraded: ['Redis cannot be reached.'] };
  return { ready: true };
}

export function redisState({ redis }: Parts): Now['redis'] {
  if (redis === undefined) return 'not used';
  return redis.healthy() ? 'connected' : 'unreachable';
}
