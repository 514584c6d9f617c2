/**
 * For knex's own command line, after a build: `npx knex --knexfile dist/knexfile.js migrate:status`. `finchat migrate`
 * does the same with a lock that a crash does not leave behind. Settings come from the environment and `.env`; a
 * relative SQLite path counts from the project's folder, because knex changes into this file's.
 */
import { basename, dirname } from 'node:path';
import { chdir, env } from 'node:process';
import type { Knex } from 'knex';
import { loadConfig } from './src/config.ts';
import { readEnvironment } from './src/environment.ts';
import { knexConfig } from './src/storage/database.ts';
import { migrationSource } from './src/storage/migrations/index.ts';

const here = import.meta.dirname;
const project = basename(here) === 'dist' ? dirname(here) : here;
chdir(project);
const config = loadConfig(readEnvironment(env, project));

const knexfile: Knex.Config = {
  ...knexConfig({
    url: config.databaseUrl,
    pool: 2,
    synchronous: 'FULL',
    busyTimeoutMs: 10_000,
    deadlines: false,
  }),
  migrations: { migrationSource },
};

export default knexfile;
