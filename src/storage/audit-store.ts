/** The audit log. `noteAct` is for the other stores' transactions: the record is there exactly when the act is. */
import type { Knex } from 'knex';
import type { Actor, AuditRecord, AuditStore } from '../core/ports.ts';
import type { AuditAct } from '../protocol/admin.ts';
import { foldName } from '../protocol/text.ts';
import type { Database } from './database.ts';

type AuditRow = {
  id: number;
  created_at: number;
  actor: string;
  via: AuditRecord['via'];
  act: AuditAct;
  target: string;
  details: string;
};

/** `target`: the name of the room or user. `details`: never a secret. */
export type Act = { act: AuditAct; target: string; details?: AuditRecord['details'] };

/** Notes what `by` does, if anybody administers, inside the caller's transaction: before `appendChanges`, which must be last. */
export async function noteAct(
  trx: Knex.Transaction,
  by: Actor | undefined,
  { act, target, details = {} }: Act,
  at: number,
): Promise<void> {
  if (by === undefined) return;
  await trx('audit').insert({
    created_at: at,
    actor: by.name,
    actor_folded: foldName(by.name),
    actor_id: by.userId,
    via: by.via,
    act,
    target,
    target_folded: foldName(target),
    details: JSON.stringify(details),
  });
}

export function createAuditStore(database: Database): AuditStore {
  return {
    async list({ actor, act, target, before, limit }) {
      const rows: AuditRow[] = await database.read((knex) => {
        const query = knex('audit').select('id', 'created_at', 'actor', 'via', 'act', 'target', 'details');
        if (actor !== undefined) query.where('actor_folded', foldName(actor));
        if (target !== undefined) query.where('target_folded', foldName(target));
        if (act !== undefined) query.where('act', act);
        if (before !== undefined) query.where('id', '<', before);
        return query.orderBy('id', 'desc').limit(limit);
      });
      return rows.map(({ created_at, details, ...row }) => ({
        ...row,
        createdAt: created_at,
        details: JSON.parse(details) as AuditRecord['details'],
      }));
    },
  };
}
