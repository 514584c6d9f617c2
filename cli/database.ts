/**
 * Opens the database for one command and closes it again, whatever happens. Migrates nothing: a database that is not up
 * to date is refused by the storage with a sentence. Loads knex and the drivers only when a command needs them.
 */
import type { Config } from '../src/config.ts';
import type { Accounts } from '../src/core/accounts.ts';
import type { Administration } from '../src/core/administration.ts';
import type { Actor, Storage } from '../src/core/ports.ts';
import type { Migrator } from '../src/storage/migrate.ts';
import type { Context } from './context.ts';
import { operator } from './operator.ts';

// A running server's write lock is held for some 50 ms; a backup or another command may hold it for longer.
const busyTimeoutMs = 10_000;

export async function withStorage<T>(
  context: Context,
  run: (storage: Storage, config: Config) => Promise<T>,
): Promise<T> {
  const config = await context.config();
  const [{ openStorage }, { randomText, systemClock }] = await Promise.all([
    import('../src/storage/storage.ts'),
    import('../src/core/clock.ts'),
  ]);
  const storage = await openStorage({
    url: config.databaseUrl,
    pool: config.databasePool,
    synchronous: config.sqliteSynchronous,
    clock: systemClock,
    random: randomText,
    busyTimeoutMs,
  });
  try {
    return await run(storage, config);
  } finally {
    await storage.close();
  }
}

export async function withMigrator<T>(context: Context, run: (migrator: Migrator) => Promise<T>): Promise<T> {
  const { databaseUrl } = await context.config();
  const { openMigrator } = await import('../src/storage/migrate.ts');
  const migrator = await openMigrator({ url: databaseUrl });
  try {
    return await run(migrator);
  } finally {
    await migrator.close();
  }
}

/** The use cases around accounts, on an open storage. Loads bcrypt and the password rules. */
export async function openAccounts(storage: Storage, config: Config): Promise<Accounts> {
  const [{ createAccounts }, { createPasswords }, { randomText, systemClock }] = await Promise.all([
    import('../src/core/accounts.ts'),
    import('../src/core/passwords.ts'),
    import('../src/core/clock.ts'),
  ]);
  return createAccounts({
    users: storage.users,
    tokens: storage.tokens,
    // One command hashes one password at a time.
    passwords: createPasswords({ rounds: config.bcryptRounds, concurrency: 1, maxQueued: 1 }),
    clock: systemClock,
    random: randomText,
    tokenTtlMs: config.tokenTtlDays * 86_400_000,
  });
}

/** What a command that acts needs: administration, and the operator whose name goes into the audit log. */
export type Administering = {
  storage: Storage;
  config: Config;
  accounts: Accounts;
  administration: Administration;
  by: Actor;
};

export function withAdministration<T>(context: Context, run: (tools: Administering) => Promise<T>): Promise<T> {
  return withStorage(context, async (storage, config) => {
    const [{ createAdministration }, { systemClock }] = await Promise.all([
      import('../src/core/administration.ts'),
      import('../src/core/clock.ts'),
    ]);
    const accounts = await openAccounts(storage, config);
    const administration = createAdministration({ storage, accounts, clock: systemClock });
    return run({ storage, config, accounts, administration, by: operator() });
  });
}
