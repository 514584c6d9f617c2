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
  /** Has the session write its frames when the turn ends, after all rooms. Not to be handed in again before that. */
  addSession(session: Flushable): void;
}

export function createTurn(clock: Clock): Turn {
  let rooms = new Set<Flushable>();
  /** No set: of a thousand sessions a turn, making it would cost as much as handing each its frames. */
  let sessions: Flushable[] = [];
  let isScheduled = false;

  /** What is added while others are flushed waits for the next round: a set that is being walked would lose it. */
  function flush(): void {
    const turnRooms = rooms;
    rooms = new Set();
    for (const room of turnRooms) room.flush();
    const turnSessions = sessions;
    sessions = [];
    for (const session of turnSessions) session.flush();
    isScheduled = false;
    if (rooms.size > 0 || sessions.length > 0) schedule();
  }

  function schedule(): void {
    if (isScheduled) return;
    isScheduled = true;
    clock.endOfTurn(flush);
  }

  return {
    addRoom(room) {
      rooms.add(room);
      schedule();
    },
    addSession(session) {
      sessions.push(session);
      schedule();
    },
  };
}
