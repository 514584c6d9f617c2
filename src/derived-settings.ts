/** The settings that are made from others: the URLs of PostgreSQL and Redis from their parts. */

export type Env = Readonly<Record<string, string | undefined>>;

/**
 * POSTGRES_* and REDIS_PASSWORD, as the compose file knows them, made into URLs where no URL is given. What is wrong with
 * them is added to `faults`, a sentence each.
 */
export function withDerived(env: Env, faults: string[]): Env {
  const derived: Record<string, string | undefined> = { ...env };
  const pick = (key: string): string | undefined => (env[key] === '' ? undefined : env[key]);
  const postgres = ['HOST', 'PORT', 'USER', 'PASSWORD', 'DB'].some((key) => pick(`POSTGRES_${key}`) !== undefined);
  if (pick('DATABASE_URL') === undefined && postgres) {
    const user = encodeURIComponent(pick('POSTGRES_USER') ?? 'finchat');
    const password = pick('POSTGRES_PASSWORD');
    const login = password === undefined ? user : `${user}:${encodeURIComponent(password)}`;
    const name = encodeURIComponent(pick('POSTGRES_DB') ?? 'finchat');
    const port = pick('POSTGRES_PORT') ?? '5432';
    if (!/^\d+$/.test(port)) faults.push('POSTGRES_PORT must be a whole number.');
    else derived.DATABASE_URL = `postgres://${login}@${pick('POSTGRES_HOST') ?? 'localhost'}:${port}/${name}`;
  }
  const redisHost = pick('REDIS_HOST');
  if (pick('REDIS_URL') === undefined && redisHost !== undefined) {
    const password = pick('REDIS_PASSWORD');
    const login = password === undefined ? '' : `:${encodeURIComponent(password)}@`;
    derived.REDIS_URL = `redis://${login}${redisHost}:${pick('REDIS_PORT') ?? '6379'}`;
  }
  return derived;
}
