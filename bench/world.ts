/** What contestants work with beside themselves, started when the first one asks: a folder, PostgreSQL, Redis. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startPostgres, whyNoPostgres } from '../test/support/postgres.ts';
import { startRedis, whyNoRedis } from '../test/support/redis.ts';
import type { Service } from '../test/support/services.ts';
import type { Helper } from './plan.ts';
import { pin } from './processes.ts';

export type Place = { url: string; helper: Helper };

export type World = {
  /** Temporary, and without an `.env`. */
  folder: string;
  /** Rejects where it is not installed. */
  postgres(): Promise<Place>;
  /** Rejects where it is not installed. */
  redis(): Promise<Place>;
  close(): Promise<void>;
};

/** Why a service cannot be started here; undefined: it can. */
export const whyMissing: Readonly<Record<'postgres' | 'redis', () => string | undefined>> = {
  postgres: whyNoPostgres,
  redis: whyNoRedis,
};

/** `postgresCore` undefined: PostgreSQL goes where the system puts it. */
export async function openWorld(postgresCore: number | undefined): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'finchat-bench-'));
  const started: Service[] = [];
  const place = (name: string, service: Service & { pid: number }): Place => {
    started.push(service);
    return { url: service.url, helper: { name, pid: service.pid } };
  };
  const startDatabase = async (): Promise<Place> => {
    // Commits wait for the disk, as a real server's do; for tests they need not.
    const postgres = await startPostgres(['fsync=on']);
    if (postgresCore !== undefined) pin(postgres.pid, postgresCore);
    return place('PostgreSQL', postgres);
  };
  const startBus = async (): Promise<Place> => place('Redis', await startRedis());
  let postgres: Promise<Place> | undefined;
  let redis: Promise<Place> | undefined;
  return {
    folder,
    postgres: () => (postgres ??= startDatabase()),
    redis: () => (redis ??= startBus()),
    close: async () => {
      for (const service of started) await service.stop();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
