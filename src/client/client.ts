/**
 * The client: puts connection, requests and rooms together and gives them the names that users of the SDK know.
 * Decides nothing that one of them decides.
 */
import type { ClientFrame, RoomEntry, RoomStatus, ServerFrame } from '../protocol/frames.ts';
import type { CallOptions } from './call.ts';
import { Connection } from './connection.ts';
import type { ConnectionState } from './connection-deps.ts';
import { createEmitter, type Emitter } from './emitter.ts';
import { ChatError, ConnectionError, FatalError } from './errors.ts';
import type { ClientEvents } from './events.ts';
import { type ExportedSession, exportSession, readExported } from './exported-session.ts';
import {
  type FetchLike,
  platformFetch,
  platformRandom,
  platformTimers,
  refPrefix,
  type Timers,
  type WebSocketConstructor,
} from './platform.ts';
import type { AskOptions, HistoryOptions, HistoryPage, SendOptions, Sent } from './request-options.ts';
import { Requests, requestLimits } from './requests.ts';
import { type Credentials, createRest, type Profile, type Registration, type Rest } from './rest.ts';
import { Rooms } from './rooms.ts';
import { baseOf } from './server-url.ts';
import { availableTransports, type TransportWish, transportWishes } from './transports/available.ts';
import type { TransportKind } from './transports/transport.ts';
import { endSession } from './transports/upstream.ts';

export type ClientOptions = {
  /** The server's base URL, `http://` or `https://`, with a path where the server stands behind one. */
  url: string;
  /** A token from an earlier `login`, or a long-lived one. */
  token?: string;
  /**
   * How to reach the server. `auto`, the default: a WebSocket, an event stream where that does not work, polls where that
   * does not work either; and back to the better one later.
   */
  transport?: TransportWish;
  /** The WebSocket class. Browsers have one; on Node 20 pass that of the `ws` package. */
  WebSocket?: WebSocketConstructor;
  fetch?: FetchLike;
  /** From 0 up to 1. Makes the refs unique and spreads the reconnects: the default is the platform's cryptographic source. */
  random?: () => number;
  /** Milliseconds of a clock that does not jump. */
  now?: () => number;
  timers?: Timers;
  /** Gets what a listener threw. By default it is written to the console; the client goes on in any case. */
  onListenerError?: (error: unknown) => void;
  /** Milliseconds a REST call may take. */
  restTimeoutMs?: number;
};

export type ConnectOptions = {
  signal?: AbortSignal;
  resume?: ExportedSession;
  /** Takes the place of a connection over which the user chats already; that one ends with `resumed-elsewhere`. */
  takeover?: boolean;
};
export type Client = {
  readonly state: ConnectionState;
  /** The rooms the client is in, or comes back to by itself. */
  readonly rooms: ReadonlySet<string>;
  /** The transport in use; undefined while there is none. */
  readonly transport: TransportKind | undefined;
  readonly session: {
    /** What a later client needs to go on from here; undefined where the client is in no chat. Plain data for JSON. */
    export(): ExportedSession | undefined;
  };
  /** Set by `login`, unset by `logout`; may be set. Used from the next connection on. */
  token: string | undefined;

  /** REST calls reject with RequestError. */
  register(registration: Registration, options?: CallOptions): Promise<Profile>;
  /** Keeps the token and resolves with it. */
  login(credentials: Credentials, options?: CallOptions): Promise<string>;
  /** Ends the token; a chat opened with it ends with `logged-out`. */
  logout(options?: CallOptions): Promise<void>;
  profile(options?: CallOptions): Promise<Profile>;

  /**
   * Connects and stays connected. Resolves once in the chat; tries for as long as the server cannot be reached. Rejects
   * with FatalError on a terminal refusal, or with the signal's reason, which ends the attempt. After an end, connects
   * anew, in no room. `resume`: goes on from there, in the same session where the server still has it, otherwise in a new
   * one; either way in the same rooms, from the last message told. Rejects with TypeError where it was not exported.
   * `takeover`: not refused with `already-chatting`, but takes the other connection's place; coming back later never does.
   * Without effect on a client that is connected or connecting.
   */
  connect(options?: ConnectOptions): Promise<void>;
  /**
   * The network or the machine may have come back: tries again at once where the client waits to, and finds out soon
   * whether an open connection still lives. Without effect otherwise.
   */
  hurry(): void;
  /** Leaves the chat for good; what waits rejects with FatalError `closed`. */
  close(): Promise<void>;
  /**
   * Ends this client without leaving the chat, so that another can go on from what this resolves with while the server
   * keeps the session. What waits rejects with FatalError `suspended`.
   */
  suspend(): Promise<ExportedSession | undefined>;

  list(options?: AskOptions): Promise<RoomEntry[]>;
  help(options?: AskOptions): Promise<string>;
  join(room: string, options?: AskOptions): Promise<RoomStatus>;
  part(room: string, options?: AskOptions): Promise<void>;
  /** Resolves once the message is stored. Sent again, with its ref, after a cut. */
  send(room: string, body: string, options?: SendOptions): Promise<Sent>;
  /** Resolves once the command was relayed. Rejects with ConnectionError `lost` where that is not known: it is never relayed twice. */
  command(room: string, command: string, payload: string, options?: SendOptions): Promise<void>;
  /** Newest first. */
  history(room: string, options?: HistoryOptions): Promise<HistoryPage>;

  /** Returns what removes the listener. */
  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void;
};

/** Milliseconds a REST call may take: above the server's own deadlines, so that its answer is seen. */
const restTimeoutMs = 30_000;

/**
 * Creates a client. Opens nothing until `connect` or a REST call. Throws TypeError when `url` is no http(s) URL, or
 * `transport` none of the four.
 */
export function createClient(options: ClientOptions): Client {
  return new ChatClient(options);
}

type Waiter = { resolve(): void; reject(error: unknown): void };

class ChatClient implements Client {
  readonly #rest: Rest;
  readonly #emitter: Emitter<ClientEvents>;
  readonly #connection: Connection;
  readonly #requests: Requests;
  readonly #rooms: Rooms;
  readonly #waiters = new Set<Waiter>();
  readonly #refPrefix: string;
  readonly session: Client['session'] = { export: () => this.#export() };
  #refCount = 0;
  /** Whether the connection was open since `connect`. */
  #opened = false;
  token: string | undefined;

  constructor(options: ClientOptions) {
    const base = baseOf(options.url);
    const timers = options.timers ?? platformTimers;
    const random = options.random ?? platformRandom;
    const now = options.now ?? (() => performance.now());
    const fetch = options.fetch ?? platformFetch;
    const wish = options.transport ?? 'auto';
    if (!transportWishes.includes(wish)) throw new TypeError(`There is no transport ${wish}.`);
    const platform = { base, WebSocket: options.WebSocket ?? globalThis.WebSocket, fetch, timers, now };
    this.token = options.token;
    this.#refPrefix = refPrefix(random);
    this.#rest = createRest(base, fetch, timers, options.restTimeoutMs ?? restTimeoutMs);
    this.#emitter = createEmitter(options.onListenerError ?? ((error) => console.error(error)));
    this.#connection = new Connection({
      transports: availableTransports(wish, platform),
      endSession: (session) => endSession({ ...platform, token: this.token }, session),
      token: () => this.token,
      timers,
      now,
      random,
      onState: (state, previous) => this.#emitter.emit('state', { state, previous }),
      onTransport: (transport) => this.#emitter.emit('transport', { transport }),
      onArrival: (frame) => this.#emitter.emit('frame', frame),
      onFrame: (frame) => this.#onFrame(frame),
      onOpen: (isResumed) => this.#onOpen(isResumed),
      onLost: () => {
        this.#requests.detach();
        if (this.#connection.cursor === undefined) this.#loseSession();
      },
      onEnd: (error) => this.#onEnd(error),
      onEnded: (error) => this.#emitter.emit('end', { reason: error.code, error }),
    });
    this.#requests = new Requests({
      timers,
      random,
      send: (text) => this.#connection.send(text),
      isReady: (frame) => this.#rooms.isReady(frame),
    });
    this.#rooms = new Rooms({
      request: (frame) =>
        this.#requests.add(
          { ...frame, ref: this.#nextRef() },
          { internal: true, timeoutMs: requestLimits.sendTimeoutMs },
        ),
      emit: (name, event) => this.#emitter.emit(name, event),
      onReady: () => this.#requests.pump(),
      onStuck: () => this.#connection.drop(),
    });
  }

  get state(): ConnectionState {
    return this.#connection.state;
  }

  get transport(): TransportKind | undefined {
    return this.#connection.transport;
  }

  get rooms(): ReadonlySet<string> {
    return this.#rooms.names();
  }

  register(registration: Registration, options?: CallOptions): Promise<Profile> {
    return this.#rest.register(registration, options);
  }

  async login(credentials: Credentials, options?: CallOptions): Promise<string> {
    this.token = await this.#rest.login(credentials, options);
    return this.token;
  }

  async logout(options?: CallOptions): Promise<void> {
    const { token } = this;
    await this.#rest.logout(token, options);
    if (this.token === token) this.token = undefined;
  }

  profile(options?: CallOptions): Promise<Profile> {
    return this.#rest.profile(this.token, options);
  }

  async connect({ signal, resume, takeover = false }: ConnectOptions = {}): Promise<void> {
    const exported = resume === undefined ? undefined : readExported(resume);
    signal?.throwIfAborted();
    if (this.state === 'open') return;
    await this.#connect(signal, exported, takeover);
  }

  #connect(
    signal: AbortSignal | undefined,
    exported: ReturnType<typeof readExported> | undefined,
    takeover: boolean,
  ): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        this.#waiters.delete(waiter);
        signal?.removeEventListener('abort', onAbort);
      };
      const waiter: Waiter = {
        resolve() {
          leave();
          resolve();
        },
        reject(error) {
          leave();
          reject(error);
        },
      };
      const onAbort = (): void => {
        waiter.reject(signal?.reason);
        if (this.#waiters.size > 0 || this.#opened) return;
        this.#rooms.clear();
        this.#requests.fail(new ConnectionError('not-connected'));
        // Last: a listener of the state may connect anew.
        this.#connection.halt();
      };
      this.#waiters.add(waiter);
      signal?.addEventListener('abort', onAbort, { once: true });
      const isStart = this.state === 'idle' || this.state === 'ended';
      if (isStart && exported !== undefined) this.#rooms.restore(exported.rooms);
      this.#connection.start(exported, takeover);
    });
  }

  hurry(): void {
    this.#connection.hurry();
  }

  async close(): Promise<void> {
    if (this.state === 'idle') return;
    await this.#connection.stop(new FatalError('closed'), 'leave');
  }

  async suspend(): Promise<ExportedSession | undefined> {
    if (this.state === 'idle' || this.state === 'ended') return undefined;
    // Live events that wait behind missed messages come to nobody after this client.
    if (!this.#rooms.isAllTold()) this.#rooms.lose();
    const exported = this.#export();
    await this.#connection.stop(new FatalError('suspended'), 'keep');
    return exported;
  }

  #export(): ExportedSession | undefined {
    if (this.state === 'idle' || this.state === 'ended') return undefined;
    const { cursor } = this.#connection;
    const rooms = this.#rooms.marks();
    if (cursor === undefined && rooms.length === 0) return undefined;
    return exportSession(this.#rooms.isAllTold() ? cursor : undefined, rooms);
  }

  async list(options: AskOptions = {}): Promise<RoomEntry[]> {
    const answer = await this.#ask({ type: 'list' }, options);
    return answer.type === 'notification' && answer.code === 'list' ? answer.list : [];
  }

  async help(options: AskOptions = {}): Promise<string> {
    const answer = await this.#ask({ type: 'help' }, options);
    return answer.type === 'notification' && answer.code === 'help' ? answer.help : '';
  }

  async join(room: string, options: AskOptions = {}): Promise<RoomStatus> {
    const answer = await this.#ask({ type: 'join', room_name: room }, options);
    if (answer.type === 'room:notification' && answer.code === 'joined' && answer.status !== undefined) {
      return answer.status;
    }
    throw new ChatError('invalid-format');
  }

  async part(room: string, options: AskOptions = {}): Promise<void> {
    await this.#ask({ type: 'part', room_name: room }, options);
  }

  async send(room: string, body: string, options: SendOptions = {}): Promise<Sent> {
    const ref = options.ref ?? this.#nextRef();
    const timeoutMs = options.timeoutMs ?? requestLimits.sendTimeoutMs;
    const answer = await this.#ask({ type: 'message', room_name: room, body, ref }, { ...options, timeoutMs });
    if (answer.type !== 'room:notification' || answer.code !== 'message')
      throw new ChatError('invalid-format', {}, ref);
    return { id: answer.id, stamp: answer.stamp, ref, repeat: answer.repeat === true };
  }

  async command(room: string, command: string, payload: string, options: SendOptions = {}): Promise<void> {
    const ref = options.ref ?? this.#nextRef();
    await this.#ask({ type: 'custom', room_name: room, command, payload, ref }, options);
  }

  async history(room: string, options: HistoryOptions = {}): Promise<HistoryPage> {
    const { before, limit } = options;
    const page = { ...(before === undefined ? {} : { before }), ...(limit === undefined ? {} : { limit }) };
    const answer = await this.#ask({ type: 'history', room_name: room, ...page }, options);
    if (answer.type !== 'notification' || answer.code !== 'history') return { messages: [], more: false };
    return { messages: answer.messages, more: answer.more };
  }

  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    return this.#emitter.on(name, listener);
  }

  #ask(frame: ClientFrame, options: AskOptions): Promise<ServerFrame> {
    const ref = frame.ref ?? this.#nextRef();
    if (this.state === 'idle' || this.state === 'ended') {
      return Promise.reject(new ConnectionError('not-connected', ref));
    }
    const { signal, timeoutMs = requestLimits.timeoutMs } = options;
    return this.#requests.add({ ...frame, ref }, { signal, timeoutMs });
  }

  #onFrame(frame: ServerFrame): void {
    const { emit } = this.#emitter;
    const settled = this.#requests.settle(frame);
    if (frame.type === 'room:notification') this.#rooms.take(frame);
    else if (frame.type === 'error' && !settled) emit('error', new ChatError(frame.code, frame.details, frame.ref));
    else if (frame.type === 'notification') {
      if (frame.code === 'api-motd') emit('motd', { content: frame.content });
      else if (frame.code === 'logged-out') emit('logged-out', {});
      else if (frame.code === 'server-closing') emit('server-closing', { reconnectInMs: frame.reconnect_in });
    }
  }

  #onOpen(isResumed: boolean): void {
    this.#opened = true;
    if (isResumed) this.#requests.reattach(this.#nextRef());
    else {
      this.#loseSession();
      // What waited was told, perhaps to a listener that closed the client.
      if (this.state !== 'open') return;
      this.#rooms.rejoin();
      this.#requests.attach();
    }
    for (const waiter of this.#waiters) waiter.resolve();
    this.#emitter.emit('session', { resumed: isResumed });
  }

  #loseSession(): void {
    this.#requests.lose();
    this.#rooms.lose();
  }

  #onEnd(error: FatalError): void {
    this.#opened = false;
    this.#rooms.clear();
    this.#requests.fail(error);
    for (const waiter of this.#waiters) waiter.reject(error);
  }

  /**
   * Unique across processes and clients: the server remembers a user's refs for a day. They begin with the time, so that
   * the database has those of all clients side by side: on SQLite that halves what a message costs.
   */
  #nextRef(): string {
    this.#refCount += 1;
    return `${Date.now().toString(36)}-${this.#refPrefix}-${this.#refCount.toString(36)}`;
  }
}
