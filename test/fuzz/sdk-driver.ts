/**
 * A user of the SDK, as its documents say: the client keeps itself connected, tells each message once, and sends what is
 * not known to be stored again. Now and then it hands its session to a client of its own that goes on with it. Looks at
 * what the SDK tells (its log), and at the frames below (its memberships).
 */
import { WebSocket } from 'ws';
import {
  ChatError,
  type ChatMessage,
  type Client,
  ConnectionError,
  createClient,
  type ExportedSession,
  FatalError,
  type TransportWish,
} from '../../src/client/index.ts';
import type { RawFrame } from '../support/raw-client.ts';
import { createDiary, type Diary, type FuzzClient, type Stored, type Tally } from './parts.ts';
import { type FaultyProxy, openFaultyProxy } from './proxy.ts';
import type { Random } from './random.ts';
import { createRoomLog, type RoomLog } from './room-log.ts';
import { createShownLog, type ShownLog } from './shown-log.ts';

export type SdkDriverOptions = {
  name: string;
  token: string;
  target: string;
  transport: TransportWish;
  rooms: readonly string[];
  random: Random;
  tally: Tally;
  start: number;
  /** How many times as slow as usual it acts. */
  slowness?: number;
  /** See `ProxyOptions.gapMs`. */
  gapMs?: number | undefined;
  fail: (what: string) => void;
};

const actMs = 200;
/** Messages under way. */
const loadMax = 20;
/**
 * The SDK's clock, not its timers: with it the ages of connections, so that a fallback is left again within a long round.
 * No faster: an attempt that was given up is to be remembered for longer (12 s) than anything here keeps it under way.
 * At six times the speed a client lost its session to its own attempt, which had waited at a server paused for 6.6 s.
 */
const hurry = 2.5;

export async function openSdkDriver(options: SdkDriverOptions): Promise<FuzzClient & { close(): Promise<void> }> {
  const { random, tally } = options;
  const diary = createDiary(options.start);
  const proxy = await openFaultyProxy({
    target: options.target,
    random: random.fork('proxy'),
    // The SDK believes `resumed-elsewhere`, as it must: so nobody opens anything behind its back.
    gentle: true,
    ...(options.gapMs === undefined ? {} : { gapMs: options.gapMs }),
    onFault(fault) {
      diary.note(`proxy: ${fault}`);
      tally.count(`fault: ${fault}`);
    },
  });
  return new SdkDriver(options, diary, proxy);
}

type Phase = 'acting' | 'resting' | 'leaving';

class SdkDriver implements FuzzClient {
  readonly name: string;
  readonly diary: Diary;
  readonly stored: Stored[] = [];
  keepsOrder = true;
  readonly #options: SdkDriverOptions;
  readonly #proxy: FaultyProxy;
  readonly #draw: Random;
  readonly #frames: ReadonlyMap<string, RoomLog>;
  readonly #shown: ReadonlyMap<string, ShownLog>;
  #client: Client;
  #phase: Phase = 'acting';
  #timer: NodeJS.Timeout | undefined;
  #said = 0;
  #pending = 0;
  #isBusy = false;

  constructor(options: SdkDriverOptions, diary: Diary, proxy: FaultyProxy) {
    this.#options = options;
    this.name = options.name;
    this.diary = diary;
    this.#proxy = proxy;
    this.#draw = options.random.fork('acts');
    this.#frames = new Map(options.rooms.map((room) => [room, createRoomLog(room, options.name)]));
    this.#shown = new Map(options.rooms.map((room) => [room, createShownLog(room)]));
    this.#client = this.#createClient();
  }

  get logs(): FuzzClient['logs'] {
    return Array.from(this.#shown.values());
  }

  get memberships(): FuzzClient['memberships'] {
    return Array.from(this.#frames.values()).flatMap((log) => log.memberships);
  }

  get rosters(): FuzzClient['rosters'] {
    return new Map(Array.from(this.#frames.values(), (log) => [log.name, log.roster]));
  }

  start(): void {
    this.#connect(undefined);
    this.#schedule();
  }

  rest(): void {
    this.#phase = 'resting';
    this.#proxy.calm();
  }

  unfinished(lastIds: ReadonlyMap<string, number>): string | undefined {
    if (this.#client.state !== 'open' || this.#isBusy) return `is ${this.#client.state}${this.#isBusy ? ', busy' : ''}`;
    if (this.#pending > 0) return `${this.#pending} messages not known to be stored`;
    for (const log of this.#shown.values()) {
      if (!this.#client.rooms.has(log.name)) return `not in ${log.name}`;
      const { seen, gap } = log;
      if (seen !== lastIds.get(log.name)) return `${log.name} shown up to ${seen} of ${lastIds.get(log.name)}`;
      if (gap !== undefined) return `${log.name} not read before ${gap.before}`;
    }
    return undefined;
  }

  async leave(): Promise<void> {
    this.#phase = 'leaving';
    clearTimeout(this.#timer);
    await this.#client.close();
  }

  async close(): Promise<void> {
    await this.leave();
    await this.#proxy.close();
  }

  #fail(what: string): void {
    this.#options.fail(`${this.name}: ${what}`);
  }

  // ---- the client ----

  #createClient(): Client {
    const { token, transport, tally } = this.#options;
    const client = createClient({
      url: this.#proxy.url,
      token,
      transport,
      WebSocket,
      now: () => performance.now() * hurry,
      onListenerError: (error) => this.#fail(String(error)),
    });
    const guard =
      <E>(listen: (event: E) => void) =>
      (event: E): void => {
        if (client === this.#client) listen(event);
      };
    client.on(
      'frame',
      guard((frame) => this.#onFrame(frame as unknown as RawFrame)),
    );
    client.on(
      'message',
      guard((message) => this.#onMessage(message)),
    );
    client.on(
      'joined',
      guard(({ room, you, status }) => {
        if (you && status !== undefined) this.#shownOf(room).enter(status);
      }),
    );
    client.on(
      'rejoined',
      guard(({ room, gap }) => {
        tally.count('sdk: rejoined');
        if (gap) this.#fail(`${room}: a gap is said`);
      }),
    );
    client.on(
      'left',
      guard(({ room, error }) => this.#fail(`left ${room}: ${error.message}`)),
    );
    client.on(
      'session',
      guard(({ resumed }) => {
        this.diary.note(`session${resumed ? ', resumed' : ''}`);
        tally.count(resumed ? `sdk: resumed by ${transport}` : `sdk: new session by ${transport}`);
        if (!resumed) for (const log of this.#frames.values()) log.lose();
      }),
    );
    client.on(
      'transport',
      guard(({ transport: kind }) => {
        this.diary.note(`transport ${kind ?? 'none'}`);
        if (transport === 'auto' && kind !== undefined) tally.count(`sdk: auto took ${kind}`);
      }),
    );
    client.on(
      'state',
      guard(({ state }) => this.diary.note(state)),
    );
    client.on(
      'error',
      guard((error) => this.diary.note(`error ${error.code} ${error.ref ?? ''}`)),
    );
    client.on(
      'end',
      guard(({ reason }) => {
        this.diary.note(`end: ${reason}`);
        if (reason !== 'closed' && reason !== 'suspended') this.#fail(`the client ended: ${reason}`);
      }),
    );
    return client;
  }

  #connect(resume: ExportedSession | undefined): void {
    this.#client.connect(resume === undefined ? {} : { resume }).catch((error: unknown) => {
      // Handed over before it had connected.
      if (error instanceof FatalError && (error.code === 'suspended' || error.code === 'closed')) return;
      this.#fail(`connect: ${String(error)}`);
    });
  }

  #onFrame(frame: RawFrame): void {
    if (frame.type === 'error') this.diary.note(`refused ${frame.ref ?? ''}: ${frame.code ?? ''}`);
    // It is sent again, after others that were taken.
    if (frame.type === 'error' && frame.code === 'unavailable') this.keepsOrder = false;
    if (frame.code === 'message' && frame.you === true) this.diary.note(`shown ${frame.id} ${frame.ref ?? ''}`);
    if (frame.type !== 'room:notification' || frame['repeat'] === true) return;
    try {
      this.#frames.get(frame.room_name ?? '')?.take(frame);
    } catch (error) {
      this.#fail(`${frame.room_name ?? ''}: ${String(error)}`);
    }
  }

  #onMessage(message: ChatMessage): void {
    try {
      this.#shownOf(message.room).show(message);
    } catch (error) {
      this.#fail(String(error));
    }
  }

  #shownOf(room: string): ShownLog {
    return this.#shown.get(room) as ShownLog;
  }

  // ---- what it does ----

  #schedule(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(
      () => {
        if (this.#phase === 'leaving') return;
        this.#schedule();
        if (!this.#isBusy) this.#act();
      },
      this.#draw.wait((this.#options.slowness ?? 1) * actMs),
    );
  }

  #act(): void {
    const { rooms } = this.#options;
    const draw = this.#draw;
    const present = rooms.filter((room) => this.#client.rooms.has(room));
    const absent = rooms.filter((room) => !this.#client.rooms.has(room));
    const gap = Array.from(this.#shown.values()).find((log) => log.gap !== undefined && present.includes(log.name));
    if (gap !== undefined) return this.#whileBusy(() => this.#readGap(gap));
    const act = draw.weighted({ talk: 70, command: 12, join: 10, part: 3, list: 2, suspend: 3 });
    const [goal] = absent;
    if (goal !== undefined && (this.#phase === 'resting' || act === 'join' || present.length === 0)) {
      return this.#whileBusy(() => this.#client.join(goal));
    }
    if (this.#phase === 'resting') return;
    if (act === 'suspend') return this.#whileBusy(() => this.#handOver());
    if (act === 'list') return this.#whileBusy(() => this.#client.list());
    const room = draw.pick(present.length === 0 ? rooms : present);
    // What is under way would be refused after a part: that is the program's own fault, and not looked at here.
    if (act === 'part' && this.#pending === 0) return this.#whileBusy(() => this.#client.part(room));
    if (act === 'command') this.#ignoreLost(this.#client.command(room, 'note', `${this.#said++}`));
    else if (this.#pending < loadMax) this.#talk(room);
  }

  #talk(room: string): void {
    const count = this.#draw.chance(0.2) ? this.#draw.int(2, 5) : 1;
    for (let n = 0; n < count; n++) {
      const number = this.#said++;
      void this.#say(room, `${this.name} says ${number}`, `${this.name}-${number}`);
    }
  }

  /** Until it is known to be stored; the ref keeps it from being stored twice. */
  async #say(room: string, body: string, ref: string): Promise<void> {
    this.#pending += 1;
    while (this.#phase !== 'leaving') {
      try {
        this.diary.note(`send ${room} ${ref}`);
        const { id } = await this.#client.send(room, body, { ref });
        this.stored.push({ room, id, body });
        break;
      } catch (error) {
        this.diary.note(`send ${ref}: ${String(error)}`);
        const isLate = error instanceof ConnectionError || (error instanceof FatalError && error.code === 'suspended');
        if (!isLate) this.#fail(`send ${ref}: ${String(error)}`);
        if (!isLate) break;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    }
    this.#pending -= 1;
  }

  /** Something that has to be over before the next: what it changes would be asked for twice. */
  #whileBusy(work: () => Promise<unknown>): void {
    this.#isBusy = true;
    this.#ignoreLost(work().finally(() => (this.#isBusy = false)));
  }

  #ignoreLost(work: Promise<unknown>): void {
    work.catch((error: unknown) => {
      this.diary.note(String(error));
      const isRefused = error instanceof ChatError && error.code !== 'unavailable';
      // Sent twice by the proxy or again by the client, the second is refused; the first one has done it.
      const isDone = isRefused && (error.code === 'room:already-joined' || error.code === 'room:not-joined');
      const isLost = error instanceof ConnectionError || error instanceof FatalError;
      if (!isDone && !isLost) this.#fail(String(error));
    });
  }

  /** To a new client, by a file as it were. */
  async #handOver(): Promise<void> {
    this.#options.tally.count('sdk: handed over');
    const old = this.#client;
    // Each of them tries again by itself, after what the new client is told to send.
    if (this.#pending > 0) this.keepsOrder = false;
    const exported = await old.suspend();
    const text = JSON.stringify(exported);
    this.diary.note(`suspended: ${text}`);
    this.#client = this.#createClient();
    this.#connect(text === undefined ? undefined : (JSON.parse(text) as ExportedSession));
  }

  async #readGap(log: ShownLog): Promise<void> {
    const { gap } = log;
    if (gap === undefined) return;
    const { messages } = await this.#client.history(log.name, { before: gap.before, limit: this.#draw.int(20, 200) });
    log.read(messages);
  }
}
