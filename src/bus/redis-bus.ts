/**
 * The bus over Redis: pub/sub only, nothing is stored there. Two connections, as one that is subscribed can publish
 * nothing. Every half second it publishes a tick to itself; what comes back proves that both carry.
 *
 * A connection that is lost, or that Redis cuts because this node reads too slowly, is made anew, with all subscriptions;
 * what was published meanwhile is lost. When a tick has come back after that, whoever listens is told.
 */
import { randomBytes } from 'node:crypto';
import type { Redis } from 'ioredis';
import type { Bus, Subscription } from '../core/cluster-ports.ts';
import type { Clock } from '../core/ports.ts';
import { InFlight } from './in-flight.ts';
import { connectRedis, endRedis, type RedisLog } from './redis.ts';
import { createTextReader, encodeText, type TextReader } from './redis-text.ts';

const tickMs = 500;
/** Without a tick for so long, what is published is not expected to arrive within a second. */
const healthyMs = 1_500;
/** So many ticks of which none came back: the connections are made anew. Counted, as this process may have slept. */
const maxMissing = 10;
/** How long who subscribes waits for a bus that worked a moment ago. */
const subscribeWaitMs = 1_000;
/** Channels in one command, after a loss. */
const channelsAtOnce = 500;
/** What was published last gets out before the bus is closed, if it can within this. */
const closeWaitMs = 500;
/** Other nodes wait for what this one publishes: it comes back sooner than other connections. */
const reconnectMaxMs = 1_000;
/** What is given up is not waited for. */
const disconnectMs = 50;
const garbageLogMs = 60_000;

const awaySentence =
  'The other nodes cannot be reached over Redis. Their messages come from the database, with a delay; commands between nodes are lost, and who joins or parts elsewhere is seen when it is back.';

export type RedisBusOptions = { clock: Clock; log: RedisLog };

/** Connects in the background. */
export function openRedisBus(url: string, options: RedisBusOptions): Bus {
  return new RedisBus(url, options);
}

/** `isHeard`: Redis has said so, over the connection that there is now. */
type Wanted = { receive(value: unknown): void; isHeard: boolean; tellReady(): void };

class RedisBus implements Bus {
  readonly isAlone = false;
  readonly #clock: Clock;
  readonly #log: RedisLog;
  readonly #publisher: Redis;
  readonly #subscriber: Redis;
  readonly #id: string = randomBytes(12).toString('base64url');
  readonly #read: TextReader = createTextReader();
  readonly #inFlight: InFlight;
  readonly #wanted = new Map<string, Wanted>();
  readonly #listeners = new Set<() => void>();
  /** Connections of the publisher so far. */
  #connection = 0;
  /** Connections of the subscriber so far: what belongs to an earlier one counts no more. */
  #hearing = 0;
  #isPublishing = false;
  /** The subscriber is connected and has all that was wanted when it connected. */
  #isHearing = false;
  #lastTick = 0;
  /** When the newest tick was sent that came back over the present connections. */
  #newestTickAt = -Infinity;
  #missing = 0;
  #hasLost = false;
  /** The tick whose return proves that what was lost was not lost after it. */
  #proof: number | undefined;
  #isSaid = false;
  #isClosed = false;
  #lastGarbageAt = -Infinity;
  #endTicks: () => void;

  constructor(url: string, { clock, log }: RedisBusOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#inFlight = new InFlight(() => clock.now());
    this.#publisher = this.#connect(url, () => {
      this.#isPublishing = true;
      this.#connection += 1;
      this.#tick();
    });
    this.#subscriber = this.#connect(url, () => void this.#subscribeAll());
    this.#subscriber.on('message', (channel: string, text: string) => this.#hear(channel, text));
    this.#wanted.set(this.#tickChannel, {
      receive: (tick) => isTick(tick) && this.#handleTick(tick),
      isHeard: false,
      tellReady: () => {},
    });
    this.#endTicks = clock.after(tickMs, () => this.#watch());
  }

  publish(channel: string, value: object): Promise<number | undefined> {
    const text = this.#isPublishing ? this.#encode(channel, value) : '';
    if (text === undefined) return Promise.resolve(undefined);
    if (this.#isPublishing && !this.#inFlight.hasRoomFor(text.length)) this.#drop('Redis does not take what is said.');
    if (!this.#isPublishing) {
      this.#noteLoss();
      return Promise.resolve(undefined);
    }
    const answered = this.#publisher.publish(channel, text).catch(() => {
      this.#noteLoss();
      return undefined;
    });
    return this.#inFlight.add(text.length, answered);
  }

  subscribe(channel: string, receive: (value: unknown) => void): Subscription {
    if (this.#wanted.has(channel)) throw new Error(`There is a subscription to ${channel} already.`);
    let tellReady: () => void = () => {};
    const ready = new Promise<void>((resolve) => (tellReady = resolve));
    const wanted: Wanted = { receive, isHeard: false, tellReady };
    const giveUp = (): void => {
      this.#noteLoss();
      tellReady();
    };
    // One that is away already is not waited for: whoever joins several rooms would wait for each of them.
    const endWait = this.#clock.after(this.#isAway ? 0 : subscribeWaitMs, giveUp);
    void ready.then(endWait);
    if (this.#isClosed) tellReady();
    else {
      this.#wanted.set(channel, wanted);
      void this.#subscribeTo([channel]);
    }
    return {
      ready,
      close: () => {
        tellReady();
        if (this.#wanted.get(channel) !== wanted) return;
        this.#wanted.delete(channel);
        // Without a connection there is nothing to end.
        this.#subscriber.unsubscribe(channel).catch(() => {});
      },
    };
  }

  isHealthy(): boolean {
    const isCarrying = this.#isPublishing && this.#isHearing && !this.#isClosed;
    return isCarrying && this.#clock.now() - this.#newestTickAt <= healthyMs;
  }

  onRestored(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#endTicks();
    this.#listeners.clear();
    for (const wanted of this.#wanted.values()) wanted.tellReady();
    this.#wanted.clear();
    await this.#waitForPublications();
    this.#isPublishing = false;
    this.#isHearing = false;
    await Promise.all([endRedis(this.#publisher), endRedis(this.#subscriber)]);
    this.#inFlight.giveUp(Infinity);
  }

  // ---- the connections ----

  /** Known not to carry; one that has only just been opened is not. */
  get #isAway(): boolean {
    return this.#isSaid || (this.#newestTickAt !== -Infinity && !this.isHealthy());
  }

  get #tickChannel(): string {
    return `finchat:tick:${this.#id}`;
  }

  #connect(url: string, handleReady: () => void): Redis {
    const client = connectRedis(url, {
      // What was published and is not answered is never said again: it might arrive twice, or late.
      maxRetriesPerRequest: 0,
      autoResendUnfulfilledCommands: false,
      autoResubscribe: false,
      disconnectTimeout: disconnectMs,
      reconnectMaxMs,
    });
    client.on('error', (error: Error) => this.#handleLoss(error.message));
    client.on('close', () => {
      if (client === this.#publisher) this.#isPublishing = false;
      else this.#stopHearing();
      this.#handleLoss('The connection was closed.');
    });
    client.on('ready', handleReady);
    return client;
  }

  #stopHearing(): void {
    this.#isHearing = false;
    this.#hearing += 1;
    for (const wanted of this.#wanted.values()) wanted.isHeard = false;
  }

  async #subscribeAll(): Promise<void> {
    const hearing = ++this.#hearing;
    const channels = [...this.#wanted.keys()];
    for (let start = 0; start < channels.length; start += channelsAtOnce) {
      // Some may have been closed meanwhile.
      const chunk = channels.slice(start, start + channelsAtOnce).filter((channel) => this.#wanted.has(channel));
      await this.#subscribeTo(chunk);
      if (hearing !== this.#hearing) return;
    }
    this.#isHearing = true;
    this.#tick();
  }

  async #subscribeTo(channels: string[]): Promise<void> {
    const hearing = this.#hearing;
    if (this.#subscriber.status !== 'ready' || channels.length === 0) return;
    const meant = channels.map((channel) => this.#wanted.get(channel));
    try {
      await this.#subscriber.subscribe(...channels);
    } catch (error) {
      // A connection that was lost is made anew with all that is wanted; so is one that refuses a channel.
      if (hearing === this.#hearing) this.#drop((error as Error).message);
      return;
    }
    if (hearing !== this.#hearing) return;
    for (const wanted of meant) {
      if (wanted === undefined) continue;
      wanted.isHeard = true;
      wanted.tellReady();
    }
  }

  /** Gives up both connections; they are made anew. */
  #drop(reason: string): void {
    if (this.#isClosed) return;
    this.#isPublishing = false;
    this.#stopHearing();
    this.#missing = 0;
    this.#handleLoss(reason);
    for (const client of [this.#publisher, this.#subscriber]) {
      // One that is only just connecting would not try again.
      if (client.status === 'ready' || client.status === 'connect') client.disconnect(true);
    }
  }

  #handleLoss(reason: string): void {
    this.#noteLoss();
    this.#newestTickAt = -Infinity;
    if (this.#isSaid || this.#isClosed) return;
    this.#isSaid = true;
    // Never the error itself: that of a log-in that failed holds the password.
    this.#log.warn({ reason }, awaySentence);
  }

  #noteLoss(): void {
    this.#hasLost = true;
    this.#proof = undefined;
  }

  // ---- ticks ----

  #watch(): void {
    this.#endTicks = this.#clock.after(tickMs, () => this.#watch());
    const now = this.#clock.now();
    this.#inFlight.giveUp(now - healthyMs);
    this.#missing += 1;
    if (this.#missing > maxMissing) this.#drop('Redis does not answer.');
    this.#tick();
  }

  #tick(): void {
    if (!this.#isPublishing || !this.#isHearing) return;
    this.#lastTick += 1;
    if (this.#hasLost && [...this.#wanted.values()].every((wanted) => wanted.isHeard)) this.#proof ??= this.#lastTick;
    void this.publish(this.#tickChannel, { n: this.#lastTick, at: this.#clock.now() } satisfies Tick);
  }

  #handleTick({ n, at }: Tick): void {
    if (!this.#isPublishing || !this.#isHearing) return;
    this.#newestTickAt = at;
    this.#missing = 0;
    if (this.#isSaid && this.isHealthy()) {
      this.#isSaid = false;
      this.#log.info({}, 'The other nodes can be reached over Redis again.');
    }
    if (this.#proof === undefined || n < this.#proof) return;
    this.#hasLost = false;
    this.#proof = undefined;
    for (const listener of this.#listeners) listener();
  }

  /** Undefined: it cannot be written, being nested too deep or too long. The others are to find what they miss by themselves. */
  #encode(channel: string, value: object): string | undefined {
    try {
      return encodeText(this.#id, this.#connection, value);
    } catch (error) {
      this.#log.warn({ err: error, channel }, 'Something was not said to the other nodes, because it is no JSON.');
      return undefined;
    }
  }

  // ---- hearing ----

  #hear(channel: string, text: string): void {
    const heard = this.#read(text);
    if (heard === 'overtaken') return;
    if (heard === 'garbage') this.#sayGarbage(channel);
    else this.#wanted.get(channel)?.receive(heard.value);
  }

  #sayGarbage(channel: string): void {
    const now = this.#clock.now();
    if (now - this.#lastGarbageAt < garbageLogMs) return;
    this.#lastGarbageAt = now;
    this.#log.warn({ channel }, 'Something else than a node publishes on the channels of the nodes; it is dropped.');
  }

  /** Until all is answered, for a short time. */
  #waitForPublications(): Promise<void> {
    return new Promise((resolve) => {
      const end = this.#clock.after(closeWaitMs, resolve);
      void this.#inFlight.allAnswered().then(() => {
        end();
        resolve();
      });
    });
  }
}

type Tick = { n: number; at: number };

function isTick(value: unknown): value is Tick {
  const { n, at } = (value ?? {}) as Partial<Record<string, unknown>>;
  return typeof n === 'number' && typeof at === 'number';
}
