/**
 * Deleting one message, alike on both dialects: what it said goes, its row stays, so that the same ref sent again is not
 * stored a second time, and ids stay dense.
 */
import type { Clock, MessageStore } from '../core/ports.ts';
import { noteAct } from './audit-store.ts';
import { appendChanges } from './change-store.ts';
import type { Database } from './database.ts';

export function createMessageDelete(database: Database, clock: Clock): MessageStore['delete'] {
  return (roomId, id, by) =>
    database.write(async (trx) => {
      const at = clock.now();
      // The room's row is locked before its messages, as an append does.
      const room: { name: string } | undefined = await trx('rooms').where({ id: roomId }).forUpdate().first('name');
      if (room === undefined) return false;
      const [deleted]: { user_id: number; seq?: number }[] = await trx('messages')
        .where({ room_id: roomId, id, deleted_at: null })
        .update({ body: '', deleted_at: at, ...(database.dialect === 'postgres' && { words: null }) })
        .returning('*');
      if (deleted === undefined) return false;
      // SQLite's index is a table of its own; PostgreSQL's is of the column that has just been emptied.
      if (deleted.seq !== undefined) await trx('message_words').where({ rowid: deleted.seq }).delete();
      await trx('rooms').where({ id: roomId }).increment('deleted_messages', 1);
      const author: { username: string } = await trx('users').where({ id: deleted.user_id }).first('username');
      const details = { id, user: author.username };
      await noteAct(trx, by, { act: 'message-deleted', target: room.name, details }, at);
      await appendChanges(trx, [{ kind: 'message-deleted', room: { id: roomId }, message: { id } }], at);
      return true;
    });
}
