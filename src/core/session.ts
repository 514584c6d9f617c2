/**
 * A session: one user's presence in the chat. Owns the order in which its client messages take effect, its membership of
 * rooms, and what is to be written to its connection; it must not know what kind of connection that is.
 *
 * States: `open` → `ending` → `ended`.
 * - `open`: client messages are taken. Messages to rooms go to the log without waiting for each other; every other
 *   client message waits until the earlier ones have their outcomes, and those after it wait for it.
 * - `ending`: nothing more is taken; what was sent before has its effect first, so that the one `parted` that each
 *   room sees comes after this session's messages.
 * - `ended`: in no room.
 */
import type { CloseName } from '../protocol/close-codes.ts';
import { decodeClientFrame } from '../protocol/codec.ts';
import type { ErrorCode, FatalCode } from '../protocol/errors.ts';
import type { ClientFrame, ErrorDetails, ServerFrame } from '../protocol/frames.ts';
import { limits } from '../protocol/limits.ts';
import type { Principal } from './accounts.ts';
import { type CommandContext, runCommand } from './commands.ts';
import { countError } from './counters.ts';
import { encode, encodeError, refuse } from './encode.ts';
import type { LiveRoom, Receiver } from './live-room.ts';
import type { EncodedFrame, Transport } from './transport.ts';

/** What a session needs of the chat. */
export type SessionContext = CommandContext & {
  /** Milliseconds to wait before the user's next client message is taken; 0: it is taken. */
  takeMessage: (userId: number) => number;
  rateLimits: boolean;
};

type Task = ClientFrame | { type: 'answer'; frame: EncodedFrame } | { type: 'end' };

export class Session implements Receiver {
  readonly principal: Principal;
  readonly userId: number;
  readonly username: string;
  /** The rooms that it is a member of, by room id. */
  readonly rooms: Map<number, LiveRoom> = new Map();
  /** Refs of the newest commands, oldest first. */
  readonly commandRefs: Set<string> = new Set();
  /** Resolves when it has left every room. */
  readonly ended: Promise<void>;
  readonly #context: SessionContext;
  readonly #transport: Transport;
  readonly #resolveEnded: () => void;
  #state: 'open' | 'ending' | 'ended' = 'open';
  #out: EncodedFrame[] = [];
  #queue: { task: Task; bytes: number }[] = [];
  /** Bytes of the client messages in the queue. */
  #queuedBytes = 0;
  #isRunning = false;
  /** Messages that wait for their outcome from the log. */
  #appending = 0;
  #alive = true;
  #cancelHeartbeat: () => void = () => {};
  #proofs: ((alive: boolean) => void)[] = [];
  #rawSecond = 0;
  #rawFrames = 0;
  #rawBytes = 0;

  constructor(context: SessionContext, principal: Principal, transport: Transport) {
    this.#context = context;
    this.#transport = transport;
    this.principal = principal;
    this.userId = principal.user.id;
    this.username = principal.user.username;
    const { promise, resolve } = withResolvers();
    this.ended = promise;
    this.#resolveEnded = resolve;
    this.#scheduleHeartbeat();
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  get transportKind(): Transport['kind'] {
    return this.#transport.kind;
  }

  // ---- from the connection ----

  /** A client message, as text. `bytes`: its size on the wire. */
  receive(text: string, bytes: number): void {
    this.onAlive();
    if (this.#state !== 'open' || this.#isFlooding(bytes)) return;
    const decoded = decodeClientFrame(text);
    const waitMs = this.#context.takeMessage(this.userId);
    const { ref } = decoded.kind === 'frame' ? decoded.frame : decoded;
    if (decoded.kind === 'invalid') this.#answer('invalid-format', undefined, ref);
    else if (waitMs > 0) this.#answer('rate-limited', { retry_after: Math.ceil(waitMs / 10) / 100 }, ref);
    else if (decoded.kind === 'unsupported') this.#answer('unsupported-command', { type: decoded.type }, ref);
    else if (this.#isQueueFull(bytes)) this.#answer('unavailable', undefined, ref);
    else this.#enqueue(decoded.frame, bytes);
  }

  /** A frame that is no text. */
  receiveBinary(bytes: number): void {
    this.onAlive();
    if (this.#state !== 'open' || this.#isFlooding(bytes)) return;
    this.#context.takeMessage(this.userId);
    this.#answer('invalid-format', undefined, undefined);
  }

  receiveControl(bytes: number): void {
    this.onAlive();
    if (this.#state === 'open') this.#isFlooding(bytes);
  }

  onAlive(): void {
    this.#alive = true;
    if (this.#proofs.length > 0) this.#settleProofs(true);
  }

  /** The connection is gone: what it sent before still has its effect, then the session ends. */
  onClose(): void {
    this.#settleProofs(false);
    if (this.#state !== 'open') return;
    this.#beginEnding();
    this.#enqueue({ type: 'end' });
  }

  // ---- from the chat ----

  /** Asks the connection to prove that it lives; resolves false when it does not within `limits.proofMs`. */
  prove(): Promise<boolean> {
    if (this.#state !== 'open') return Promise.resolve(false);
    return new Promise((resolve) => {
      const cancel = this.#context.clock.after(limits.proofMs, () => this.#settleProofs(false));
      this.#proofs.push((alive) => {
        cancel();
        resolve(alive);
      });
      this.#transport.ping();
    });
  }

  /** Ends the session with a fatal. What waits for its turn is dropped. */
  endWithFatal(code: FatalCode): void {
    if (this.#state !== 'open') return;
    countError(this.#context.counters, code);
    this.flush();
    refuse(this.#transport, code);
    this.#dropAndEnd();
  }

  /** Ends the session because its token was revoked. */
  endLoggedOut(): void {
    if (this.#state !== 'open') return;
    this.answer({ type: 'notification', code: 'logged-out' });
    this.flush();
    this.end('normal');
  }

  /** Ends the session and closes its connection. What waits for its turn is dropped. */
  end(close: CloseName): void {
    this.#transport.close(close);
    if (this.#state === 'open') this.#dropAndEnd();
  }

  /** The node stops: the connection is closed, and nobody is told of a parting, because everybody leaves. */
  stop(): void {
    this.flush();
    this.#transport.close('restarting');
    this.#clearQueue();
    this.#beginEnding();
    this.rooms.clear();
    this.#finish();
  }

  /** Says that the server is about to close. `reconnectInMs`: when this client is to come back. */
  announceClosing(reconnectInMs: number): void {
    this.answer({ type: 'notification', code: 'server-closing', reconnect_in: reconnectInMs });
  }

  // ---- towards the client ----

  push(frames: readonly EncodedFrame[]): void {
    if (this.#out.length === 0) this.#context.turn.addSession(this);
    for (const frame of frames) this.#out.push(frame);
  }

  /** Sends a message to this client alone, after what its rooms have shown so far: also what this turn has shown. */
  answer(frame: ServerFrame): void {
    this.#pushDirect(encode(frame));
  }

  answerError(code: ErrorCode, details?: ErrorDetails, ref?: string): void {
    countError(this.#context.counters, code);
    this.#pushDirect(encodeError(code, details, ref));
  }

  #pushDirect(frame: EncodedFrame): void {
    for (const room of this.rooms.values()) room.flush();
    this.push([frame]);
  }

  flush(): void {
    const frames = this.#out;
    if (frames.length === 0) return;
    this.#out = [];
    this.#transport.write(frames);
    if (this.#transport.unwritten() > limits.unwrittenBytes) this.end('tooSlow');
  }

  onDisbanded(room: LiveRoom): void {
    this.rooms.delete(room.id);
  }

  /** A message of this session goes to the log. The returned function is called when its outcome is known. */
  beginAppend(): () => void {
    this.#appending += 1;
    return () => {
      this.#appending -= 1;
      if (this.#appending === 0) this.#pump();
    };
  }

  // ---- the queue ----

  /** An error that nothing has to wait for still comes in its turn. */
  #answer(code: ErrorCode, details: ErrorDetails | undefined, ref: string | undefined): void {
    countError(this.#context.counters, code);
    const frame = encodeError(code, details, ref);
    if (this.#queue.length === 0 || this.#isQueueFull(0)) this.#pushDirect(frame);
    else this.#enqueue({ type: 'answer', frame });
  }

  #isQueueFull(bytes: number): boolean {
    return this.#queue.length >= limits.queuedFrames || this.#queuedBytes + bytes > limits.queuedBytes;
  }

  #enqueue(task: Task, bytes = 0): void {
    this.#queue.push({ task, bytes });
    this.#queuedBytes += bytes;
    this.#pump();
  }

  #clearQueue(): void {
    this.#queue = [];
    this.#queuedBytes = 0;
  }

  #pump(): void {
    while (!this.#isRunning) {
      const next = this.#queue[0];
      if (next === undefined) return;
      const { task, bytes } = next;
      const waits = task.type !== 'message' && task.type !== 'answer' && this.#appending > 0;
      if (waits) return;
      this.#queue.shift();
      this.#queuedBytes -= bytes;
      const running = this.#run(task);
      if (running !== undefined) void this.#await(running);
    }
  }

  async #await(running: Promise<void>): Promise<void> {
    this.#isRunning = true;
    // A command answers its own failures and does not reject.
    await running;
    this.#isRunning = false;
    this.#pump();
  }

  #run(task: Task): Promise<void> | undefined {
    if (task.type === 'answer') {
      this.#pushDirect(task.frame);
      return undefined;
    }
    if (task.type === 'end') {
      this.#leaveAll();
      return undefined;
    }
    return runCommand(this.#context, this, task);
  }

  // ---- ending ----

  #dropAndEnd(): void {
    this.#clearQueue();
    this.#beginEnding();
    this.#enqueue({ type: 'end' });
  }

  #beginEnding(): void {
    this.#state = 'ending';
    this.#cancelHeartbeat();
    this.#settleProofs(false);
  }

  #leaveAll(): void {
    for (const room of this.rooms.values()) {
      room.remove(this, undefined);
      this.#context.hub.release(room);
    }
    this.rooms.clear();
    this.#finish();
  }

  #finish(): void {
    this.#state = 'ended';
    this.#out = [];
    this.#resolveEnded();
  }

  // ---- signs of life, floods ----

  #scheduleHeartbeat(): void {
    this.#cancelHeartbeat = this.#context.clock.after(limits.pingIntervalMs, () => {
      if (!this.#alive) {
        this.end('tooSlow');
        return;
      }
      this.#alive = false;
      this.#transport.ping();
      this.#scheduleHeartbeat();
    });
  }

  #settleProofs(alive: boolean): void {
    const proofs = this.#proofs;
    this.#proofs = [];
    for (const settle of proofs) settle(alive);
  }

  /** A raw cap on frames and bytes, before anything is decoded. */
  #isFlooding(bytes: number): boolean {
    if (!this.#context.rateLimits) return false;
    const second = Math.floor(this.#context.clock.now() / 1000);
    if (second !== this.#rawSecond) {
      this.#rawSecond = second;
      this.#rawFrames = 0;
      this.#rawBytes = 0;
    }
    this.#rawFrames += 1;
    this.#rawBytes += bytes;
    if (this.#rawFrames <= limits.rawFramesPerSecond && this.#rawBytes <= limits.rawBytesPerSecond) return false;
    this.end('flooding');
    return true;
  }
}

function withResolvers(): { promise: Promise<void>; resolve: () => void } {
  let resolve: () => void = () => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
