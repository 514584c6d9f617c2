/** What it costs when somebody joins a room whose members are on another node, and when a session moves to another node. */
import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { until } from '../test/support/services.ts';
import type { Contestant, RunningServer } from './contestant.ts';
import { type Cost, type CostWorld, costOf, type Idle, type Watched } from './cost.ts';
import { openRawSocket } from './raw-socket.ts';

const answerMs = 20_000;
/** Others in the room of a session that moves: what it carries must not grow with them. */
const crowdSize = 1_000;
/** Visits before those that are measured. */
const warmUps = 10;

/** A server that is measured, and what it spends by itself. */
export type Place = { world: CostWorld; contestant: Contestant; server: RunningServer; watched: Watched; idle: Idle };

type Client = {
  say(message: object, until: (heard: string) => boolean): Promise<void>;
  /** How many users it has seen part, itself left out. */
  readonly parted: number;
  end(): void;
};

/** A client that says one thing after the other, and waits for the answer. */
async function openClient(port: number, token: string): Promise<Client> {
  let waiting: { until: (heard: string) => boolean; resolve: () => void; reject: (error: Error) => void } | undefined;
  let parted = 0;
  const raw = await openRawSocket(port, token, {
    onMessage(bytes, from, to) {
      const heard = bytes.toString('utf8', from, to);
      if (heard.includes('"parted"') && heard.includes('"you":false')) parted += 1;
      if (waiting?.until(heard) === true) waiting.resolve();
    },
    onEnd: (how) => waiting?.reject(new Error(`a connection was ${how}`)),
  });
  return {
    async say(message, until) {
      let timer: NodeJS.Timeout | undefined;
      await new Promise<void>((resolve, reject) => {
        timer = setTimeout(() => reject(new Error(`no answer to ${JSON.stringify(message)}`)), answerMs);
        waiting = { until, resolve, reject };
        raw.send(JSON.stringify(message));
      }).finally(() => clearTimeout(timer));
    },
    get parted() {
      return parted;
    },
    end: raw.end,
  };
}

const join = (client: Client, room: string): Promise<void> =>
  client.say({ type: 'join', room_name: room }, (heard) => heard.includes('"status"') && heard.includes(`"${room}"`));
const part = (client: Client, room: string): Promise<void> =>
  client.say({ type: 'part', room_name: room }, (heard) => heard.includes('"parted"') && heard.includes('"you":true'));

/** Members of one room, each with a client of its own; all on one node. */
async function crowd(port: number, tokens: readonly string[], room: string): Promise<Client[]> {
  const members: Client[] = [];
  for (const token of tokens) {
    const member = await openClient(port, token);
    await join(member, room);
    members.push(member);
  }
  return members;
}

/**
 * Somebody on the second node joins and leaves rooms whose members are on the first: of one that was not open there it has
 * to ask who is in it, one that it has just left is still known.
 */
export async function measureJoins({ contestant, server, watched, world, idle }: Place): Promise<Cost[]> {
  const costs: Cost[] = [];
  const rooms = await contestant.rooms(warmUps + (world.isQuick ? 30 : 100));
  const [here, there] = server.nodes.map(({ port }) => port);
  const tokens = await contestant.tokens(server, 1100);
  const guest = await openClient(there ?? 0, tokens.at(-1) ?? '');
  const members: Client[] = [];
  const enter = async (names: readonly string[]): Promise<void> => {
    const member = await openClient(here ?? 0, tokens[members.length] ?? '');
    for (const name of names) await join(member, name);
    members.push(member);
  };
  const measure = async (what: string, names: readonly string[]): Promise<void> => {
    world.note(what);
    await visit(guest, names.slice(0, warmUps), members);
    const measured = names.slice(warmUps);
    let ms = 0;
    const run = async (): Promise<void> => {
      ms = await visit(guest, measured, members);
    };
    const { cpuUs } = await costOf(watched, measured.length, run, idle);
    costs.push({ what, each: 'join and part', cpuUs, ms });
  };
  await enter(rooms);
  await measure('room opened, 1 member on the other node', rooms);
  for (const size of [1, 200, 1000]) {
    while (members.length < size) await enter(rooms.slice(0, 1));
    const count = warmUps + Math.ceil((world.isQuick ? 60 : 300) / (size > 500 ? 3 : 1));
    await measure(`join and part, ${size} on the other node`, Array<string>(count).fill(rooms[0] ?? ''));
  }
  for (const client of [guest, ...members]) client.end();
  await sleep(2_000);
  return costs;
}

/** So many bytes Redis was sent since it started. */
async function bytesTo(redisUrl: string): Promise<number> {
  const socket = connect(Number(new URL(redisUrl).port), '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write('INFO stats\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    const [, bytes] = /total_net_input_bytes:(\d+)/.exec(answer.toString()) ?? [];
    if (bytes === undefined) throw new Error('Redis does not say how much it was sent.');
    return Number(bytes);
  } finally {
    socket.destroy();
  }
}

/** Resolves to the milliseconds that a join took, when the other node has shown its members all of it. */
async function visit(guest: Client, names: readonly string[], members: readonly Client[]): Promise<number> {
  const last = members.at(-1);
  const goal = (last?.parted ?? 0) + names.length;
  let joining = 0;
  for (const name of names) {
    const start = performance.now();
    await join(guest, name);
    joining += performance.now() - start;
    await part(guest, name);
  }
  await until(answerMs, async () => {
    if ((last?.parted ?? 0) < goal) throw new Error('The other node did not show who joined and parted.');
  });
  return joining / names.length;
}

/** A session goes to and fro between the nodes, with the rooms that it is in. */
export async function measureMoves({ contestant, server, watched, world, idle }: Place): Promise<Cost[]> {
  const costs: Cost[] = [];
  const rooms = await contestant.rooms(10);
  const [token = '', ...others] = await contestant.tokens(server, 2 + crowdSize);
  for (const { size, besides } of [
    { size: 1, besides: 0 },
    { size: 10, besides: 0 },
    { size: 1, besides: crowdSize },
  ]) {
    const what = `session moved, in ${size} room${size === 1 ? '' : 's'}${besides > 0 ? ` with ${besides} others` : ''}`;
    world.note(what);
    const members = await crowd(server.nodes[0]?.port ?? 0, others.slice(0, besides), rooms[0] ?? '');
    // One on the other node: who opens the room there asks for its members, which is not what is measured here.
    if (besides > 0) members.push(...(await crowd(server.nodes[1]?.port ?? 0, others.slice(besides), rooms[0] ?? '')));
    let at = await openMover(server.nodes[0]?.port ?? 0, token);
    for (const room of rooms.slice(0, size)) await at.join(room);
    const count = world.isQuick ? 40 : 200;
    let side = 0;
    const run = async (times: number): Promise<void> => {
      for (let index = 0; index < times; index += 1) {
        side = 1 - side;
        const next = await openMover(server.nodes[side]?.port ?? 0, token, at.cursor());
        if (!next.isResumed()) throw new Error('A session was not resumed on the other node.');
        at.leave();
        at = next;
      }
    };
    await run(10);
    const before = await bytesTo(world.redisUrl);
    const { cpuUs, seconds } = await costOf(watched, count, () => run(count), idle);
    // Ticks and leases of that time are among them.
    const redisBytes = ((await bytesTo(world.redisUrl)) - before) / count;
    costs.push({ what, each: 'move', cpuUs, ms: (seconds / count) * 1000, redisBytes });
    at.close();
    for (const client of members) client.end();
    await sleep(2_000);
  }
  return costs;
}

type Mover = {
  join(room: string): Promise<void>;
  cursor(): string;
  isResumed(): boolean;
  leave(): void;
  close(): void;
};

type Heard = { code?: string; type?: string; session?: string; resumed?: boolean; status?: object; room_name?: string };

/** A client that may be resumed: it counts what it hears, as PROTOCOL.md says. */
function openMover(port: number, token: string, cursor?: string): Promise<Mover> {
  const [, counted = '0'] = cursor?.split('.') ?? [];
  let heard = Number(counted);
  let session = '';
  let isResumed = false;
  let onHeard: ((heard: Heard) => void) | undefined;
  const query = new URLSearchParams({ token, resume: '1', ...(cursor !== undefined && { cursor }) });
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws/chat?${query}`);
  const mover: Mover = {
    join: (room) =>
      new Promise((resolve) => {
        onHeard = ({ status, room_name }) => {
          if (status !== undefined && room_name === room) resolve();
        };
        socket.send(JSON.stringify({ type: 'join', room_name: room }));
      }),
    cursor: () => `${session}.${heard}`,
    isResumed: () => isResumed,
    leave: () => socket.terminate(),
    close: () => socket.close(1000),
  };
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error('no session')), answerMs);
    socket.on('error', reject);
    socket.on('message', (data: Buffer) => {
      const message = JSON.parse(data.toString()) as Heard;
      if (message.type === 'fatal') {
        reject(new Error(data.toString()));
        return;
      }
      if (message.code === 'session') {
        session = message.session ?? '';
        isResumed = message.resumed === true;
        if (!isResumed) heard = 0;
        clearTimeout(timer);
        resolve(mover);
        return;
      }
      heard += 1;
      onHeard?.(message);
    });
  });
}
