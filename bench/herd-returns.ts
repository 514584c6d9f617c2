/** One run of a herd that comes back: after a restart of the server, or after cuts at random. */
import { connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { readCpu, sum, watchOwn } from './cpu.ts';
import { type HerdCounts, HerdMember, type HerdRoom } from './herd-member.ts';
import type { ReturnsPlan, ReturnsResult } from './herd-plan.ts';
import { createHistogram } from './histogram.ts';
import type { ServerNode } from './plan.ts';

const openAtOnce = 32;
const openDeadlineMs = 30_000;
const probeMs = 10;
/** What is asked of a restart: so many milliseconds for nearly everybody. */
const backInMs = 5_000;
const restartDeadlineMs = 60_000;

/** `restart`: stops the server and starts it again on its port; resolves when it is ready. */
export async function runReturns(plan: ReturnsPlan, restart: () => Promise<ServerNode>): Promise<ReturnsResult> {
  const latency = createHistogram();
  const errors: Record<string, number> = {};
  const onArrival = (dueAt: number): void => latency.add(performance.now() - dueAt);
  const counts: HerdCounts = {
    delivered: 0,
    lost: 0,
    repeated: 0,
    cuts: 0,
    resumed: 0,
    rejoined: 0,
    errors,
    onArrival,
  };
  const rooms = new Map<string, HerdRoom>();
  for (const { room: name } of plan.members)
    if (!rooms.has(name)) rooms.set(name, { name, members: [], sent: 0, base: 0, newest: 0 });
  const members = await openAll(plan, rooms, counts);
  const all = [...rooms.values()];
  const cpuBefore = cpuOf(plan.node);
  const readOwn = watchOwn();
  const stopSpeaking = speak(all, plan.rate);
  const { node, down, wasLimit } = await disturb(plan, members, restart);
  stopSpeaking();
  counts.lost += await drain(members, all, counts, plan.stallMs);
  const cpuAfter = cpuOf(node);
  const own = readOwn();
  for (const member of members) member.end();
  const sent = sum(all.map((room) => room.sent));
  const unsettled = sum(members.map((member) => member.unsettled));
  const { delivered, lost, repeated, cuts, resumed, rejoined } = counts;
  return {
    kind: 'returns',
    sent,
    delivered,
    lost,
    repeated,
    cuts,
    resumed,
    rejoined,
    unsettled,
    errors,
    storedTwice: sum(all.map((room) => Math.max(0, room.newest - room.base - room.sent))),
    missing: members.filter(({ isReady }) => !isReady).length,
    latencyMs: latency.summary(),
    back: down && backAfter(members, down),
    downMs: down && down.upAt - down.downAt,
    // A server that was restarted has spent all of it on this herd, but for its start.
    cpuSeconds: cpuAfter === undefined ? undefined : cpuAfter - (node === plan.node ? (cpuBefore ?? 0) : 0),
    generatorCpuSeconds: own.seconds,
    generatorWasLimit: wasLimit,
    failedConnections: plan.members.length - members.length,
  };
}

/** The time in which messages are sent. Resolves to the server that is there at its end. */
async function disturb(
  { node, seconds, cutMs }: ReturnsPlan,
  members: readonly HerdMember[],
  restart: () => Promise<ServerNode>,
): Promise<{ node: ServerNode; down: Down | undefined; wasLimit: boolean }> {
  let readOwn = watchOwn();
  const end = performance.now() + seconds * 1000;
  const untilEnd = (): Promise<void> => sleep(Math.max(0, end - performance.now()));
  if (cutMs !== undefined) {
    const stopCutting = cutAtRandom(members, cutMs);
    await untilEnd();
    stopCutting();
    return { node, down: undefined, wasLimit: readOwn().wasLimit };
  }
  await sleep((seconds * 1000) / 3);
  const watching = watchDown(node.port);
  const started = await restart();
  const down = await watching;
  // What counts is whether it kept up while everybody came back.
  readOwn = watchOwn();
  const deadline = performance.now() + restartDeadlineMs;
  const isBack = ({ isReady, readyAt }: HerdMember): boolean => isReady && readyAt > down.downAt;
  while (!members.every(isBack) && performance.now() < deadline) await sleep(50);
  const { wasLimit } = readOwn();
  await untilEnd();
  return { node: started, down, wasLimit };
}

function cpuOf(node: ServerNode): number | undefined {
  return readCpu({ nodes: [node], helpers: [] }).nodes?.[0];
}

/** Resolves to those that are in their rooms. */
async function openAll(plan: ReturnsPlan, rooms: Map<string, HerdRoom>, counts: HerdCounts): Promise<HerdMember[]> {
  const left = plan.members.values();
  const opened: HerdMember[] = [];
  const openNext = async (): Promise<void> => {
    for (const { token, room: name } of left) {
      const room = rooms.get(name);
      if (room === undefined) continue;
      const member = new HerdMember(plan.node.port, token, room, counts);
      member.start();
      const deadline = performance.now() + openDeadlineMs;
      while (!member.isReady && performance.now() < deadline) await sleep(1);
      if (!member.isReady) member.end();
      else {
        room.members.push(member);
        opened.push(member);
      }
    }
  };
  await Promise.all(Array.from({ length: openAtOnce }, openNext));
  return opened;
}

/** Each message is said when it is due, by the next member of the next room, whether it has a connection or not. */
function speak(rooms: readonly HerdRoom[], rate: number): () => void {
  const start = performance.now();
  let next = 0;
  const timer = setInterval(() => {
    const now = performance.now();
    for (let due = start + (next / rate) * 1000; due <= now; due = start + (next / rate) * 1000) {
      const room = rooms[next % rooms.length];
      const index = Math.floor(next / rooms.length) % (room?.members.length ?? 1);
      room?.members[index]?.say(due, index);
      next += 1;
    }
  }, 1);
  return () => clearInterval(timer);
}

function cutAtRandom(members: readonly HerdMember[], { from, to }: { from: number; to: number }): () => void {
  const timers = new Map<HerdMember, NodeJS.Timeout>();
  const plan = (member: HerdMember): void => {
    const wait = from + Math.random() * (to - from);
    const cut = (): void => {
      member.cut();
      plan(member);
    };
    timers.set(member, setTimeout(cut, wait));
  };
  for (const member of members) plan(member);
  return () => {
    for (const timer of timers.values()) clearTimeout(timer);
  };
}

type Down = { downAt: number; upAt: number };

/** Resolves when the port, which is listened on now, was not for a while and is again. */
async function watchDown(port: number): Promise<Down> {
  const wait = async (isWanted: boolean): Promise<number> => {
    while ((await isListening(port)) !== isWanted) await sleep(probeMs);
    return performance.now();
  };
  const downAt = await wait(false);
  return { downAt, upAt: await wait(true) };
}

function isListening(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('error', () => resolve(false));
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
  });
}

/** Waits until everybody is back and has everything; resolves how many deliveries never came. */
async function drain(
  members: readonly HerdMember[],
  rooms: readonly HerdRoom[],
  counts: HerdCounts,
  stallMs: number,
): Promise<number> {
  const missing = (): number =>
    sum(rooms.map(({ newest, members: each }) => sum(each.map(({ last }) => newest - (last ?? 0)))));
  const isDone = (): boolean =>
    members.every(({ isReady, unsettled }) => isReady && unsettled === 0) && missing() === 0;
  let seen = -1;
  let since = performance.now();
  while (!isDone() && performance.now() - since < stallMs) {
    if (counts.delivered !== seen) {
      seen = counts.delivered;
      since = performance.now();
    }
    await sleep(20);
  }
  return missing();
}

function backAfter(members: readonly HerdMember[], { upAt }: Down): NonNullable<ReturnsResult['back']> {
  const waits = members.map(({ readyAt }) => readyAt - upAt).sort((a, b) => a - b);
  const at = (share: number): number => waits[Math.ceil(waits.length * share) - 1] ?? 0;
  const within5s = waits.filter((wait) => wait <= backInMs).length / Math.max(1, waits.length);
  return { p50: at(0.5), p95: at(0.95), last: at(1), within5s };
}
