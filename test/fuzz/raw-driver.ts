/** What a session client does and when: talks, wanders through rooms, loses its line, comes back by another transport. */
import { type TransportKind, transportKinds } from './lines.ts';
import { createDiary, type FuzzClient, type Tally } from './parts.ts';
import { type FaultyProxy, openFaultyProxy } from './proxy.ts';
import type { Random } from './random.ts';
import { rival } from './rival.ts';
import { SessionClient } from './session-client.ts';

export type DriverOptions = {
  name: string;
  token: string;
  /** The server, which is reached through a proxy of the client's own. */
  target: string;
  rooms: readonly string[];
  random: Random;
  tally: Tally;
  /** `performance.now()` when the round began. */
  start: number;
  graceMs: number;
  /** Its proxy delivers nothing behind its back, and keeps to the order of what it delivers. */
  isGentle: boolean;
  /** Whether sessions live through their whole grace: their outbox does not fill before. */
  isRoomy: boolean;
  /** What lies behind the proxy has its own troubles now: a session may be lost. */
  isTroubled?: () => boolean;
  /** How many times as slow as usual it acts. */
  slowness?: number;
  /** See `ProxyOptions.gapMs`. */
  gapMs?: number | undefined;
  /** At times somebody else comes as this user: at most every so many milliseconds. */
  rivalEveryMs?: number;
  fail: (what: string) => void;
};

/** Milliseconds between two doings, on average: a room of fifteen clients sees some fifty messages a second. */
const actMs = 160;
/** Requests that wait for their answer; a real client would be throttled long before. */
const loadMax = 25;
/** Without a word for so long, with something to answer, a line counts as dead. */
const stuckMs = 5000;
/** How long the proxy's late deliveries can still change something. */
const excuseMs = 12_000;
/** Faults by which something reaches the server that the client has given up. */
const behindTheBack = /late|half-open|stall (up|both)|twice/;

export async function openRawDriver(options: DriverOptions): Promise<FuzzClient & { close(): Promise<void> }> {
  const {
    name,
    random,
    tally,
    rooms,
    graceMs,
    isRoomy,
    isGentle,
    slowness = 1,
    isTroubled = () => false,
    fail,
  } = options;
  const diary = createDiary(options.start);
  let excusedUntil = Number.NEGATIVE_INFINITY;
  const proxy: FaultyProxy = await openFaultyProxy({
    target: options.target,
    random: random.fork('proxy'),
    gentle: isGentle,
    ...(options.gapMs === undefined ? {} : { gapMs: options.gapMs }),
    onFault(fault) {
      diary.note(`proxy: ${fault}`);
      tally.count(`fault: ${fault}`);
      if (!isGentle && behindTheBack.test(fault)) excusedUntil = performance.now() + excuseMs;
    },
  });
  let isResting = false;
  let isLeaving = false;
  let said = 0;
  let nextRivalAt = performance.now() + (options.rivalEveryMs ?? 0);
  let timer: NodeJS.Timeout | undefined;
  const draw = random.fork('acts');

  const client = new SessionClient({
    ...options,
    url: proxy.url,
    random: random.fork('session'),
    diary,
    isExcused: () => performance.now() < excusedUntil || isTroubled(),
    // Half of it: the other half is for a busy machine.
    resumableMs: isRoomy ? graceMs / 2 : undefined,
    onIdle: () => comeBack(),
    fail: (what) => fail(`${name}: ${what}`),
  });

  function comeBack(): void {
    if (isLeaving) return;
    clearTimeout(timer);
    const pausesLong = !isResting && draw.chance(isRoomy ? 0.06 : 0.2);
    // Longer than the grace, or, where the outbox is small, mostly as long as it takes to fill.
    const factor = isRoomy ? 1.2 + draw.next() : 0.6 + 0.5 * draw.next();
    if (pausesLong) diary.note('a long pause');
    const ms = pausesLong ? graceMs * factor : draw.wait(isResting ? 100 : 250);
    timer = setTimeout(() => {
      if (client.state === 'idle') client.connect(draw.pick(transportKinds));
      schedule();
    }, ms);
  }

  function schedule(): void {
    clearTimeout(timer);
    timer = setTimeout(act, draw.wait(isResting ? 2 * actMs : slowness * actMs));
  }

  function act(): void {
    if (isLeaving || client.state === 'idle') return;
    schedule();
    if (client.isStuck(stuckMs)) return client.drop();
    if (client.state !== 'open') return;
    if (isResting) return settle();
    if (client.load >= loadMax) return;
    if (options.rivalEveryMs !== undefined) beRivalled(options.rivalEveryMs);
    for (const room of client.wanted) if (!client.logs.get(room)?.isMember) client.rejoin(room);
    doSomething();
  }

  /** While this client's line stands, another one may get in only where it is half-dead; then this session has ended. */
  function beRivalled(everyMs: number): void {
    const now = performance.now();
    if (now < nextRivalAt) return;
    nextRivalAt = now + everyMs + draw.wait(everyMs);
    diary.note('a rival comes');
    const onIn = (): void => {
      client.oust();
      excusedUntil = performance.now() + excuseMs;
    };
    void rival(options.target, options.token, onIn).then((outcome) => {
      diary.note(`the rival is ${outcome}`);
      tally.count(`rival ${outcome}`);
    });
  }

  function settle(): void {
    for (const room of rooms) if (!client.logs.get(room)?.isMember) client.rejoin(room);
    for (const room of rooms) client.settleRoom(room);
  }

  function doSomething(): void {
    // What is said after a part, and before the next join, would be refused.
    const present = rooms.filter((room) => client.wanted.has(room) && client.logs.get(room)?.isMember === true);
    const absent = rooms.filter((room) => !client.wanted.has(room));
    const act = draw.weighted({
      talk: 60,
      command: 15,
      join: 5,
      part: 3,
      list: 2,
      history: 2,
      drop: 5,
      move: 7,
      finish: 1,
    });
    const [room] = present.length > 0 ? [draw.pick(present)] : [];
    if (act === 'join' && absent.length > 0) return client.join(draw.pick(absent));
    if (act === 'drop') return client.drop();
    if (act === 'move') return client.moveTo(draw.pick(transportKinds) satisfies TransportKind);
    if (act === 'finish') return void client.finish();
    if (act === 'list') return client.ask({ type: 'list' });
    if (room === undefined) return absent.length > 0 ? client.join(draw.pick(absent)) : undefined;
    if (act === 'part') client.part(room);
    else if (act === 'history') client.ask({ type: 'history', room_name: room, limit: draw.int(1, 200) });
    else if (act === 'command') client.ask({ type: 'custom', room_name: room, command: 'note', payload: `${said++}` });
    else talk(room);
  }

  function talk(room: string): void {
    const count = draw.chance(0.2) ? draw.int(2, 6) : 1;
    for (let n = 0; n < count; n++) {
      // Long ones fill outboxes, and make answers that can be cut in the middle.
      const isLong = draw.chance(isRoomy ? 0.15 : 0.7);
      const padding = isLong ? ` ${(isRoomy ? 'x' : '€').repeat(draw.int(100, 3500))}` : '';
      client.say(room, `${name} says ${said++}${padding}`);
    }
  }

  return {
    name,
    diary,
    get logs() {
      return Array.from(client.logs.values());
    },
    get memberships() {
      return Array.from(client.logs.values()).flatMap((log) => log.memberships);
    },
    get rosters() {
      return new Map(Array.from(client.logs.values(), (log) => [log.name, log.roster]));
    },
    stored: client.stored,
    get keepsOrder() {
      return isGentle && !client.lostOrder;
    },
    start: () => comeBack(),
    rest() {
      isResting = true;
      proxy.calm();
      for (const room of rooms) client.wanted.add(room);
      // Whatever the long pause: come back now.
      if (client.state === 'idle') comeBack();
    },
    unfinished(lastIds) {
      if (client.state !== 'open') return `is ${client.state}`;
      if (client.load > 0 || client.unsettled.size > 0) {
        return `${client.load} unanswered, ${client.unsettled.size} not known to be stored`;
      }
      for (const { name: room, isMember, contiguous } of client.logs.values()) {
        if (!isMember) return `not in ${room}`;
        if (contiguous !== lastIds.get(room)) return `${room} read up to ${contiguous} of ${lastIds.get(room)}`;
      }
      return undefined;
    },
    async leave() {
      isLeaving = true;
      clearTimeout(timer);
      if (!(await client.finish())) fail(`${name}: its session could not be ended`);
    },
    async close() {
      isLeaving = true;
      clearTimeout(timer);
      client.drop();
      await proxy.close();
    },
  };
}
