import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { openRoomWorld, type RoomWorld } from '../../test/support/room-world.ts';
import { worldPrincipal } from '../../test/support/session-world.ts';
import { limits } from '../protocol/limits.ts';
import { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';
import type { Transport } from './transport.ts';

/** Of rooms, and of members: with these names a list of them is two thirds of what may wait. */
const many = 3_300;
const asked = 10;
const longName = '漢'.repeat(limits.roomNameLength - 4);

/** Sends all of this at once. `answers`: how many have come by then; `closed`: why it was. */
async function answersTo(
  { context }: RoomWorld,
  isResumable: boolean,
  frames: readonly object[],
): Promise<{ answers: number; closed: string[] }> {
  const { outboxBytes, pollGapSeconds, graceSeconds } = limits;
  const session = new Session(
    { ...context, rateLimits: false, outboxBytes, pollGapSeconds, graceSeconds } as SessionContext,
    worldPrincipal,
    'session',
    isResumable,
  );
  const closed: string[] = [];
  let unwritten = 0;
  let answers = 0;
  const transport: Transport = {
    kind: 'websocket',
    unwritten: () => unwritten,
    write(written) {
      for (const { bytes } of written) {
        unwritten += bytes.length;
        if (bytes.includes(longName)) answers += 1;
      }
    },
    refuse() {},
    close: (name) => closed.push(name),
    ping() {},
  };
  const events = session.begin(transport);
  for (const frame of frames) events.receive(JSON.stringify(frame), 0);
  // A healthy client takes what it is given.
  for (let turns = 0; turns < 3 * asked; turns += 1) {
    await turn();
    unwritten = 0;
    events.onDrain();
  }
  const result = { answers, closed: [...closed] };
  session.stop();
  return result;
}

test('whoever asks for the list of very many rooms again and again gets each in its time, and stays', async (t) => {
  for (const isResumable of [true, false]) {
    const world = openRoomWorld([]);
    world.context.directory.reset(
      Array.from({ length: many }, (_, id) => ({ id, name: `${longName}${id}`, topic: '', epoch: 'e' })),
    );
    const lists = Array.from({ length: asked }, () => ({ type: 'list' }));
    t.deepEqual(await answersTo(world, isResumable, lists), { answers: asked, closed: [] });
  }
});

test('whoever joins very large rooms at once gets each list of members in its time, and stays', async (t) => {
  for (const isResumable of [true, false]) {
    const world = openRoomWorld([]);
    const rooms = Array.from({ length: asked }, (_, id) => ({ id, name: `room-${id}`, topic: '', epoch: 'e' }));
    world.context.directory.reset(rooms);
    for (const { id } of rooms) {
      const room = await world.hub.open(id);
      for (let userId = 2; userId < many; userId += 1) {
        room?.roster.join({
          userId,
          username: `${longName}${userId}`,
          session: String(userId),
          claim: 1,
          node: 'other',
        });
      }
    }
    const joins = rooms.map(({ name }) => ({ type: 'join', room_name: name }));
    t.deepEqual(await answersTo(world, isResumable, joins), { answers: asked, closed: [] });
  }
});
