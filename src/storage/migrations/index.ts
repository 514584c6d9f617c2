/**
 * The migrations in order, under names that do not change: knex would store file names, which differ between the
 * sources and the build. A migration that has shipped is never edited or renamed.
 */
import type { Knex } from 'knex';
import * as accountsRoomsMessages from './001-accounts-rooms-messages.ts';
import * as administration from './002-administration.ts';
import * as cluster from './003-cluster.ts';
import * as wordIndex from './004-word-index.ts';
import * as refOrder from './005-ref-order.ts';

export type NamedMigration = { name: string; migration: Knex.Migration };

export const migrations: readonly NamedMigration[] = [
  { name: '001-accounts-rooms-messages', migration: accountsRoomsMessages },
  { name: '002-administration', migration: administration },
  { name: '003-cluster', migration: cluster },
  { name: '004-word-index', migration: wordIndex },
  { name: '005-ref-order', migration: refOrder },
];

export const migrationSource: Knex.MigrationSource<NamedMigration> = {
  getMigrations: () => Promise.resolve([...migrations]),
  getMigrationName: ({ name }) => name,
  getMigration: ({ migration }) => Promise.resolve(migration),
};
