/**
 * What happens in one turn of the event loop is written once: rooms hand their frames of this turn to their members,
 * then each connection is written. A quiet room pays no delay for that, a busy one a single write per connection.
 */
import type { Clock } from './ports.ts';

export interface Flushable {
  /** Must not throw. */
  flush(): void;
}

export interface Turn {
  /** Has the room hand out its frames when the turn ends. Handing in twice counts once. */
  addRoom(room: Flushable): void;
  /** Has the session write its frames when the turn ends, after all rooms. */
  addSession(session: Flushable): void;
}

export function createTurn(clock: Clock): Turn {
  const rooms = new Set<Flushable>();
  const sessions = new Set<Flushable>();
  let scheduled = false;

  function flush(): void {
    scheduled = false;
    for (const room of rooms) room.flush();
    rooms.clear();
    for (const session of sessions) session.flush();
    sessions.clear();
  }

  function schedule(): void {
    if (scheduled) return;
    scheduled = true;
    clock.endOfTurn(flush);
  }

  return {
    addRoom(room) {
      rooms.add(room);
      schedule();
    },
    addSession(session) {
      sessions.add(session);
      schedule();
    },
  };
}
