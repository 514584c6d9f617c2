/** Several nodes' rooms in one process: each with a hub of its own, over one store and whatever bus a test gives them. */
import type { ExecutionContext } from 'ava';
import { createRoomCounts } from '../../src/cluster/counts.ts';
import { type ClusterPeers, createPeers } from '../../src/cluster/peers.ts';
import { createRoomChannels } from '../../src/cluster/room-channels.ts';
import { Seats } from '../../src/cluster/seats.ts';
import { randomText } from '../../src/core/clock.ts';
import { type Bus, NodeSilent } from '../../src/core/cluster-ports.ts';
import { type CommandContext, runCommand } from '../../src/core/commands.ts';
import { createCounters } from '../../src/core/counters.ts';
import { Hub, type HubOptions } from '../../src/core/hub.ts';
import { join } from '../../src/core/join.ts';
import { createMessageLog } from '../../src/core/message-log.ts';
import { Mutes } from '../../src/core/mutes.ts';
import type { Clock, Storage } from '../../src/core/ports.ts';
import { RoomDirectory, type RoomInfo } from '../../src/core/rooms.ts';
import { createTurn } from '../../src/core/turn.ts';
import { createSaidLog, type SaidLog } from './bus-world.ts';
import { type Member, openMember, type Shown } from './room-world.ts';

/** Tests count on it that a room is opened with its users: also where this process stood still for a while. */
const answerMs = 10_000;

/** What a test has of one node's rooms. */
export type RoomNode = {
  readonly id: string;
  readonly bus: Bus;
  readonly peers: ClusterPeers;
  readonly hub: Hub;
  readonly clock: Clock;
  readonly directory: RoomDirectory;
  readonly log: SaidLog;
  /** Nodes that were heard of. */
  readonly here: string[];
  join(member: Member, room: string): Promise<void>;
  part(member: Member, room: string): void;
  /** Resolves when the message is stored. */
  say(member: Member, room: string, body: string, ref?: string): Promise<void>;
  relay(member: Member, room: string, command: string): void;
  /** Finds itself dead: everything here ends silently, and it goes on under another id. */
  restart(id: string): void;
  /** The session leaves all rooms, as when it ends. */
  end(member: Member): void;
  /** Takes the member over from `from`, under this claim, as a session that moves; resolves it as it is here. */
  moveHere(member: Member, from: RoomNode, claim: number): Promise<Member>;
};

export type RoomNodeOptions = { id: string; bus: Bus; cluster: string; clock: Clock; storage: Storage } & Pick<
  HubOptions,
  'hearsAll' | 'lingerMs'
>;

export async function openRoomNode(
  t: ExecutionContext,
  { id, bus, cluster, clock, storage, ...chosen }: RoomNodeOptions,
): Promise<RoomNode> {
  const log = createSaidLog();
  const peers = createPeers({ bus, id, clusterId: cluster, clock, log });
  const here: string[] = [];
  const noteHere = (node: string): void => void (here.includes(node) || here.push(node));
  const channels = createRoomChannels({ bus, peers, clusterId: cluster, clock, log, noteHere, answerMs });
  const counts = createRoomCounts({ bus, peers, clock, noteHere });
  const directory = new RoomDirectory(() => Promise.resolve());
  directory.reset(await storage.rooms.list());
  const turn = createTurn(clock);
  const hub = new Hub({
    clock,
    turn,
    store: storage.messages,
    directory,
    onDelivered() {},
    channels,
    counts,
    ...chosen,
  });
  const messageLog = createMessageLog({
    store: storage.messages,
    clock,
    random: randomText,
    log,
    onAbandoned: (rooms) => hub.doubt(rooms),
  });
  t.teardown(async () => {
    await messageLog.close();
    channels.close();
    counts.close();
    peers.close();
  });
  peers.serve('carry', () => Promise.resolve({}));
  await peers.ready;
  counts.announce();
  const context = {
    clock,
    turn,
    hub,
    directory,
    messages: storage.messages,
    messageLog,
    mutes: new Mutes(clock),
    log,
    counters: createCounters(),
    bodyLength: 100,
  } as CommandContext;
  const node: RoomNode = {
    get id() {
      return peers.id;
    },
    bus,
    peers,
    hub,
    clock,
    directory,
    log,
    here,
    join: ({ session }, room) => join(context, session, { type: 'join', room_name: room }),
    part: ({ session }, room) => void runCommand(context, session, { type: 'part', room_name: room }),
    say({ session }, room, body, ref) {
      const stored = new Promise<void>((resolve) => Object.assign(session, { beginAppend: () => resolve }));
      const frame = { type: 'message' as const, room_name: room, body, ...(ref === undefined ? {} : { ref }) };
      void runCommand(context, session, frame);
      return stored;
    },
    relay: ({ session }, room, command) =>
      void runCommand(context, session, { type: 'custom', room_name: room, command, payload: '-' }),
    restart(next) {
      hub.nodeGone(peers.id);
      hub.dropAll();
      peers.restart(next);
      counts.announce();
    },
    end({ session }) {
      for (const room of session.rooms.all()) {
        room.remove(session, undefined);
        hub.release(room);
        session.rooms.exit(room);
      }
    },
    moveHere: (member, from, claim) => move({ member, from, to: node, claim }),
  };
  return node;
}

/** As sessions do: the rooms are opened first, what was seen comes along, and the former place is told last. */
async function move(what: { member: Member; from: RoomNode; to: RoomNode; claim: number }): Promise<Member> {
  const { member, from, to, claim } = what;
  const { session } = member;
  const rooms = session.rooms.ids();
  const seats = new Seats(to);
  await seats.take(rooms);
  const at = to.clock.now();
  const known = new Map(seats.ask().map(({ id, roster }) => [id, roster]));
  // What the new place hears before the answer comes.
  await new Promise((resolve) => setImmediate(resolve));
  const states = Array.from(session.rooms.all(), (room) => room.exportMember(session, known.get(room.id)));
  const exported = structuredClone(states);
  const seen = member.frames.splice(0);
  await carry(from, to);
  const moved = openMember(session.userId, { key: session.key, claim, frames: seen });
  for (const state of exported) {
    const room = await to.hub.open(state.roomId);
    if (room === undefined) continue;
    const isMember = await room.importMember(moved.session, state, { at, roster: seats.rosterOf(room) });
    if (isMember && room.members.has(moved.session)) moved.session.rooms.enter(room);
  }
  for (const room of session.rooms.all()) {
    room.dropMember(session, { node: to.id, claim });
    from.hub.release(room);
    session.rooms.exit(room);
  }
  seats.leave();
  return moved;
}

/** What was published before arrives before what travels now. */
async function carry(from: RoomNode, to: RoomNode): Promise<void> {
  for (;;) {
    try {
      await from.peers.ask(to.id, 'carry', {});
      return;
    } catch (error: unknown) {
      // Lost on its way.
      if (!(error instanceof NodeSilent)) throw error;
    }
  }
}

/** What a member has been shown of a room that it is in, checked frame by frame: users, and the last message. */
export function followVisit(frames: readonly Shown[]): { users: string[]; last: number } | undefined {
  let visit: { users: Set<string>; last: number } | undefined;
  for (const frame of frames) {
    if (frame.code === 'joined' && frame.you === true) {
      const { status } = frame;
      if (status === undefined) throw new Error('joined without status');
      visit = { users: new Set(status.users.map(({ name }) => name)), last: status.last_id };
    } else if (frame.code === 'parted' && frame.you === true) {
      visit = undefined;
    } else if (visit === undefined) {
      throw new Error(`${frame.code} outside a visit`);
    } else if (frame.code === 'message') {
      if (frame.id !== visit.last + 1) throw new Error(`message ${frame.id} came after ${visit.last}`);
      visit.last = frame.id;
    } else if (frame.code === 'joined') {
      if (visit.users.has(String(frame.user))) throw new Error(`${frame.user} joined twice`);
      visit.users.add(String(frame.user));
    } else if (frame.code === 'parted' && !visit.users.delete(String(frame.user))) {
      throw new Error(`${frame.user} parted twice`);
    }
  }
  return visit && { users: Array.from(visit.users).sort(), last: visit.last };
}

/** A room, and users that may chat in it. */
export async function furnish(storage: Storage, name: string, users: number): Promise<RoomInfo> {
  const known = (await storage.users.list()).length;
  for (let id = known + 1; id <= users; id += 1) {
    const account = { username: `user-${id}`, email: '', passwordHash: 'x', isSuperuser: false, createdAt: 1 };
    await storage.users.create(account);
  }
  return storage.rooms.create({ name, topic: '', createdAt: 1 });
}
