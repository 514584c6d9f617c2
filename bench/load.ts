/**
 * One run of load: members of rooms that send and count what arrives. It knows a few bytes of the protocol and no more,
 * and only some look into a message: a sample of the members, for the time, and who waits for a message of its own.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Cpu, cpuBetween, perEach, readCpu, sum, watchOwn } from './cpu.ts';
import { createHistogram, type Histogram } from './histogram.ts';
import type { LoadPlan, LoadResult, Member } from './plan.ts';
import { residentBytes } from './process-stat.ts';
import type { RawClient, RawClientEvents } from './raw-client.ts';
import { openRawClient } from './transports.ts';

// Messages that may be under way per room; a power of two, so that a place is a mask away.
const ringSize = 1 << 17;
// Members that look into each message: enough for percentiles, few enough to cost nothing. In many small rooms eight of
// each would be most of the members.
const samplers = { ofAll: 64, ofRoom: 8 };
// Of many in one room more: who joins in the same turn is told of in one write, and each is to be told of each.
const openAtOnce = { atLeast: 32, ofAll: 1 / 40 };
const joinDeadlineMs = 30_000;

/** A member that may send, once it has joined. `awaiting`: its own messages that it has not seen yet. */
type Sender = { client: RawClient | undefined; awaiting: number };

type RoomLoad = {
  name: string;
  clients: RawClient[];
  /** Those of them that send, in turn. */
  senders: Sender[];
  /** Messages sent, seen by their senders, and refused. */
  sent: number;
  settled: number;
  refused: number;
  /** When the message with a number was sent, or was due. */
  sentAt: Float64Array;
};

type Run = {
  plan: LoadPlan;
  rooms: RoomLoad[];
  latency: Histogram;
  delivered: number;
  errors: Record<string, number>;
  lastArrival: number;
  /** Sends whose due time lies in here are timed. */
  measureFrom: number;
  measureTo: number;
  isSending: boolean;
  fault: string | undefined;
  /** Called when a message leaves the window of its room. */
  wake: (room: RoomLoad) => void;
};

type Reading = Cpu & { at: number; delivered: number; settled: number };

export async function runLoad(plan: LoadPlan): Promise<LoadResult> {
  const run = createRun(plan);
  const failedConnections = await openMembers(run);
  const start = performance.now();
  run.measureFrom = start + plan.warmUpMs;
  run.measureTo = run.measureFrom + plan.measureMs;
  run.lastArrival = start;
  run.isSending = true;
  const stop = plan.rate === undefined ? startWindow(run) : startSchedule(run, plan.rate, start);
  await until(run, run.measureFrom);
  const readNow = (): Reading => ({
    at: performance.now(),
    delivered: run.delivered,
    settled: settled(run),
    ...readCpu(plan),
  });
  const before = readNow();
  const readOwn = watchOwn();
  await until(run, run.measureTo);
  const after = readNow();
  const own = readOwn();
  const rss = plan.nodes.map(({ pid }) => residentBytes(pid));
  run.isSending = false;
  stop();
  const lost = await drain(run);
  if (lost < 0) run.fault ??= 'messages came more often than they were sent';
  for (const room of run.rooms) for (const client of room.clients) client.end();

  const seconds = (after.at - before.at) / 1000;
  const delivered = after.delivered - before.delivered;
  const shown = after.settled - before.settled;
  const cpu = cpuBetween(before, after);
  const serverCpu = cpu.nodes && sum(cpu.nodes);
  const perMillion = (cpu: number | undefined): number | undefined =>
    cpu === undefined || delivered === 0 ? undefined : (cpu / delivered) * 1e6;
  return {
    kind: 'load',
    seconds,
    messagesPerSecond: shown / seconds,
    deliveriesPerSecond: delivered / seconds,
    latencyMs: run.latency.summary(),
    serverCpuShare: serverCpu === undefined ? undefined : serverCpu / seconds,
    serverCpuPerMillion: perMillion(serverCpu),
    serverRssMb: rss.includes(undefined) ? undefined : sum(rss.map(Number)) / 1_048_576,
    nodeCpuPerMessageUs: shown === 0 ? undefined : cpu.nodes?.map((each) => (each / shown) * 1e6),
    helperCpuPerMessageUs: shown === 0 ? {} : perEach(cpu.helpers, shown),
    generatorCpuShare: own.seconds / seconds,
    generatorCpuPerMillion: perMillion(own.seconds),
    generatorWasLimit: own.wasLimit,
    sent: run.rooms.reduce((sum, room) => sum + room.sent, 0),
    delivered: run.delivered,
    lost,
    errors: run.errors,
    failedConnections,
    fault: run.fault,
  };
}

function createRun(plan: LoadPlan): Run {
  const names = [...new Set(plan.members.map((member) => member.room))];
  return {
    plan,
    rooms: names.map((name) => ({
      name,
      clients: [],
      senders: [],
      sent: 0,
      settled: 0,
      refused: 0,
      sentAt: new Float64Array(ringSize),
    })),
    latency: createHistogram(),
    delivered: 0,
    errors: {},
    lastArrival: 0,
    measureFrom: Number.POSITIVE_INFINITY,
    measureTo: Number.POSITIVE_INFINITY,
    isSending: false,
    fault: undefined,
    wake: () => {},
  };
}

/** Opens and joins all members, some at a time; resolves how many failed. */
async function openMembers(run: Run): Promise<number> {
  const left = [...run.plan.members.entries()];
  // Spread over the order of joining, which may be the order in which the server writes.
  const rooms = run.rooms.length;
  const samplersOfRoom = Math.max(1, Math.min(samplers.ofRoom, Math.floor(samplers.ofAll / rooms)));
  const stride = Math.ceil(left.length / rooms / samplersOfRoom);
  let failed = 0;
  const openNext = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [index, member] = next;
      const room = run.rooms.find((candidate) => candidate.name === member.room);
      if (room === undefined) continue;
      const isSampler = (Math.floor(index / rooms) + (index % rooms)) % stride === 0;
      try {
        await openMember(run, room, member, isSampler);
      } catch (error) {
        failed += 1;
        run.errors['not joined'] = (run.errors['not joined'] ?? 0) + 1;
        if (failed === 1) console.error(`bench: a member could not join: ${(error as Error).message}`);
      }
    }
  };
  const atOnce = Math.max(openAtOnce.atLeast, Math.ceil(run.plan.members.length * openAtOnce.ofAll));
  await Promise.all(Array.from({ length: atOnce }, openNext));
  if (run.rooms.some((room) => room.senders.length === 0))
    throw new Error('A room has no members: nothing to measure.');
  return failed;
}

async function openMember(run: Run, room: RoomLoad, member: Member, isSampler: boolean): Promise<void> {
  const self: Sender = { client: undefined, awaiting: 0 };
  let isJoined = false;
  let settle: { resolve(): void; reject(error: Error): void } | undefined;
  const joined = new Promise<void>((resolve, reject) => {
    settle = { resolve, reject };
  });
  // Awaited below; the end of the connection may come first.
  joined.catch(() => {});
  const port = run.plan.nodes[member.node]?.port ?? 0;
  const events: RawClientEvents = {
    onMessage: (bytes, from, to) => {
      if (isMessage(bytes, from, to)) {
        run.delivered += 1;
        run.lastArrival = performance.now();
        if (isSampler || self.awaiting > 0) look(run, room, bytes.subarray(from, to), { isSampler, self });
        return;
      }
      const other = bytes.toString('utf8', from, to);
      if (isJoined) noteOther(run, room, other);
      else if (other.includes('"status"')) settle?.resolve();
      else if (other.includes('"type":"fatal"') || other.includes('"type":"error"')) settle?.reject(new Error(other));
    },
    onEnd: (how) => {
      settle?.reject(new Error(how));
      if (run.isSending) run.fault ??= `a connection was ${how}`;
    },
  };
  const client = await openRawClient[run.plan.transport](port, member.token, events, room.name);
  client.send(JSON.stringify({ type: 'join', room_name: room.name }));
  const timer = setTimeout(() => settle?.reject(new Error('no answer to the join')), joinDeadlineMs);
  try {
    await joined;
  } catch (error) {
    client.end();
    throw error;
  } finally {
    clearTimeout(timer);
  }
  isJoined = true;
  room.clients.push(client);
  self.client = client;
  if (member.isListener !== true) room.senders.push(self);
}

/** Two bytes tell, when the fields stand in their usual order; otherwise the text is searched. */
function isMessage(bytes: Buffer, from: number, to: number): boolean {
  // {"type":"room:notification","code":"message"
  //          9                          36
  if (bytes[from + 9] === 0x72 && bytes[from + 36] === 0x6d) return true;
  return bytes.subarray(from, to).includes('"code":"message"');
}

/** Looks into a message that has reached a member: for its time, and whether it is the member's own. */
function look(
  run: Run,
  room: RoomLoad,
  payload: Buffer,
  { isSampler, self }: { isSampler: boolean; self: Sender },
): void {
  const at = payload.indexOf('"body":"');
  const seq = Number.parseInt(payload.toString('latin1', at + 8, at + 20), 10);
  const sentAt = room.sentAt[seq & (ringSize - 1)];
  if (at === -1 || sentAt === undefined || sentAt === 0) run.fault ??= 'a message arrived that nobody sent';
  else if (isSampler && sentAt >= run.measureFrom && sentAt < run.measureTo)
    run.latency.add(performance.now() - sentAt);
  if (senderOf(room, seq) !== self || self.awaiting === 0) return;
  self.awaiting -= 1;
  room.settled += 1;
  run.wake(room);
}

function senderOf(room: RoomLoad, seq: number): Sender | undefined {
  return room.senders[seq % room.senders.length];
}

function noteOther(run: Run, room: RoomLoad, other: string): void {
  const { type, code } = JSON.parse(other) as { type: string; code: string };
  if (type !== 'error' && type !== 'fatal') return;
  run.errors[code] = (run.errors[code] ?? 0) + 1;
  room.refused += 1;
  run.wake(room);
}

function send(run: Run, room: RoomLoad, dueAt: number): void {
  const seq = room.sent;
  const sender = senderOf(room, seq);
  if (sender?.client === undefined) return;
  sender.awaiting += 1;
  room.sent += 1;
  room.sentAt[seq & (ringSize - 1)] = dueAt;
  const body = String(seq).padStart(12, '0').padEnd(run.plan.size, ' ha');
  sender.client.send(`{"type":"message","room_name":"${room.name}","body":"${body.trimEnd()}"}`);
}

function inFlight(room: RoomLoad): number {
  return room.sent - room.settled - room.refused;
}

function settled(run: Run): number {
  return run.rooms.reduce((sum, room) => sum + room.settled, 0);
}

/**
 * Keeps the window of each room full: whoever has seen its own message has the next one said at once, as clients do that
 * know nothing of each other, and not when this process has read what there is for all of them.
 */
function startWindow(run: Run): () => void {
  run.wake = (room) => {
    while (run.isSending && inFlight(room) < run.plan.window) send(run, room, performance.now());
  };
  for (const room of run.rooms) run.wake(room);
  return () => {};
}

/** Sends each message when it is due. One that is sent late is timed from when it was due. */
function startSchedule(run: Run, rate: number, start: number): () => void {
  let next = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    for (let due = start + (next / rate) * 1000; due <= now; due = start + (next / rate) * 1000) {
      const room = run.rooms[next % run.rooms.length];
      next += 1;
      if (room === undefined) continue;
      if (inFlight(room) < ringSize / 2) send(run, room, due);
      else run.fault ??= 'the server fell behind the rate without end';
    }
  }, 1);
  return () => clearInterval(timer);
}

/** Waits for a moment, or for a fault, or until nothing has come for too long. */
async function until(run: Run, moment: number): Promise<void> {
  for (let now = performance.now(); now < moment && run.fault === undefined; now = performance.now()) {
    if (now - run.lastArrival > run.plan.stallMs) run.fault = `nothing arrived for ${run.plan.stallMs} ms`;
    await sleep(Math.min(moment - now, 50));
  }
}

/** Waits for what is under way; resolves how many deliveries never came. */
async function drain(run: Run): Promise<number> {
  const due = (): number => run.rooms.reduce((sum, room) => sum + (room.sent - room.refused) * room.clients.length, 0);
  let seen = -1;
  let since = performance.now();
  while (run.delivered < due() && performance.now() - since < run.plan.stallMs) {
    if (run.delivered !== seen) {
      seen = run.delivered;
      since = performance.now();
    }
    await sleep(20);
  }
  return due() - run.delivered;
}
