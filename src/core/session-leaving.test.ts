import { setImmediate as turn } from 'node:timers/promises';
import test from 'ava';
import { message, openMember, openRoomWorld } from '../../test/support/room-world.ts';
import { worldPrincipal } from '../../test/support/session-world.ts';
import { limits } from '../protocol/limits.ts';
import { join } from './join.ts';
import type { MessageStore } from './ports.ts';
import { Session } from './session.ts';
import type { SessionContext } from './session-context.ts';
import type { ConnectionEvents, Transport } from './transport.ts';

const room_name = 'friends';
/** The smallest outbox: one long answer fits. */
const outboxBytes = limits.historyBytes + limits.transportBytes;

/** A session in a room of which memory has but the newest, whose client reads nothing, and another one that looks on. */
async function openScene(isResumable: boolean): Promise<{
  session: Session;
  events: ConnectionEvents;
  send: (...frames: object[]) => void;
  /** What the connection was told when it was closed. */
  closed: string[];
  /** How often the store was asked for a page. */
  pages: () => number;
  /** Messages that went to the log: each with how to say that it is stored. */
  outcomes: ((outcome: { status: 'stored'; id: number; createdAt: number }) => void)[];
  /** What the other one was shown. */
  shown: () => string[];
}> {
  const world = openRoomWorld(Array.from({ length: 2 * limits.joinMessages }, (_, index) => message(index + 1)));
  const other = openMember(2);
  await join(world.context, other.session, { type: 'join', room_name });
  const { messages } = world.context;
  let pages = 0;
  const counted: Pick<MessageStore, 'page'> = {
    page(...asked) {
      pages += 1;
      return messages.page(...asked);
    },
  };
  const context = {
    ...world.context,
    messages: { ...messages, ...counted },
    rateLimits: false,
    graceSeconds: limits.graceSeconds,
    pollGapSeconds: limits.pollGapSeconds,
    outboxBytes,
  } as SessionContext;
  const session = new Session(context, worldPrincipal, 'session', isResumable);
  const closed: string[] = [];
  let unwritten = 0;
  const transport: Transport = {
    kind: 'websocket',
    unwritten: () => unwritten,
    write: (frames) => frames.forEach(({ bytes }) => (unwritten += bytes.length)),
    refuse() {},
    close: (name) => closed.push(name),
    ping() {},
  };
  const events = session.begin(transport);
  return {
    session,
    events,
    send: (...frames) => frames.forEach((frame) => events.receive(JSON.stringify(frame), 0)),
    closed,
    pages: () => pages,
    outcomes: world.outcomes,
    shown: () => other.shown(),
  };
}

const history = { type: 'history', room_name, limit: 200 };
const part = { type: 'part', room_name };
const joinAll = { type: 'join', room_name, since: 1 };
const say = (body: string): object => ({ type: 'message', room_name, body });

test('a session that ends without its connection has done what it was sent, and read nothing that is only an answer', async (t) => {
  for (const isResumable of [true, false]) {
    const { session, events, send, pages, outcomes, shown } = await openScene(isResumable);
    send({ type: 'join', room_name }, say('one'));
    await turn();
    // What comes now waits for the outcome.
    send(history, { type: 'list' }, { type: 'help' }, history, part, joinAll, say('two'), history, part);
    events.onClose(true);
    outcomes[0]?.({ status: 'stored', id: 101, createdAt: 0 });
    await turn();
    outcomes[1]?.({ status: 'stored', id: 102, createdAt: 0 });
    await session.ended;
    await turn();
    t.is(pages(), 0);
    t.deepEqual(shown(), ['joined', 'joined', 'message 101', 'parted', 'joined', 'message 102', 'parted']);
  }
});

test('a session that is asked to leave waits for no client that does not take what it has asked for', async (t) => {
  const { session, send, closed, pages, outcomes } = await openScene(true);
  send({ type: 'join', room_name }, say('one'), ...Array.from({ length: 20 }, () => history));
  await turn();
  session.leave();
  outcomes[0]?.({ status: 'stored', id: 101, createdAt: 0 });
  await session.ended;
  t.true(pages() < 20, `${pages()} pages were read`);
  t.deepEqual(closed, ['normal']);
});
