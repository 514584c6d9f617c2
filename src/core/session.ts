/**
 * A session: one user's presence in the chat. Owns the order in which its client messages take effect, its membership of
 * rooms, what is to be written to its client, and how it goes on or ends; how it is reached is attachment.ts's. It must
 * not know what kind of connection that is.
 *
 * States: `open` → `ending` → `ended`.
 * - `open`: client messages are taken, and take effect in their order (task-queue.ts).
 * - `ending`: nothing more is taken; what was sent before has its effect first, so that the one `parted` that each
 *   room sees comes after this session's messages.
 * - `ended`: in no room.
 *
 * A resumable session that is open may be detached (attachment.ts): what is for it waits in its outbox then, and when
 * that is full, it ends.
 *
 * A detached session may be **moving** to another node: its client messages wait, its outbox goes on being filled, and
 * nothing ends it but a fatal. It `vanishes` when it lives there, or goes on here when the move came to nothing.
 */
import type { CloseName } from '../protocol/close-codes.ts';
import { closeAfter, type ErrorCode, type FatalCode } from '../protocol/errors.ts';
import type { ErrorDetails, ServerFrame } from '../protocol/frames.ts';
import { limits } from '../protocol/limits.ts';
import type { Principal } from './accounts.ts';
import { Attachment, type AttachmentOwner } from './attachment.ts';
import { longAnswerBytes, questions, runCommand } from './commands.ts';
import { countError } from './counters.ts';
import { Delivery } from './delivery.ts';
import { encode, encodeError } from './encode.ts';
import { Inbox, type InboxOwner } from './inbox.ts';
import type { LiveRoom, Receiver } from './live-room.ts';
import type { MovedTo } from './member-state.ts';
import { Outbox } from './outbox.ts';
import type { SessionContext } from './session-context.ts';
import { SessionRooms } from './session-rooms.ts';
import type { SessionExport } from './session-state.ts';
import { createSettling, type Settling } from './settling.ts';
import type { Task } from './task-queue.ts';
import type { ConnectionEvents, EncodedFrame, Transport, TransportKind } from './transport.ts';

const nothing = (): void => {};

/** What a session that does nothing has no need of is made when it is needed: most sessions are idle at any time. */
export class Session implements Receiver, AttachmentOwner, InboxOwner {
  readonly userId: number;
  readonly username: string;
  readonly rooms: SessionRooms;
  readonly key: string;
  /** The number of its claim; grows when it moves to another node. */
  claim = 1;
  /** Called in the step after it has left every room, before those who wait for `ended` go on. */
  onEnded: (session: Session) => void = nothing;
  readonly #context: SessionContext;
  readonly #inbox: Inbox;
  /** Undefined: nobody waits for its end. */
  #ending: Settling | undefined;
  #principal: Principal;
  #state: 'open' | 'ending' | 'ended' = 'open';
  readonly #delivery: Delivery;
  readonly #attachment: Attachment;
  #isMoving = false;
  /** Its node is about to stop. */
  #isKept = false;
  /** A long answer waits for room. */
  #isHeldBack = false;

  /**
   * `key`: up to `limits.sessionIdLength` letters, digits, `-` and `_`. `isResumable` false: it ends with its connection.
   * `from`: goes on where it was on another node, in no room yet; to be resumed at once, which has its client messages
   * take effect again.
   */
  constructor(context: SessionContext, principal: Principal, key: string, isResumable: boolean, from?: SessionExport) {
    this.#context = context;
    this.#principal = principal;
    this.key = key;
    this.rooms = new SessionRooms(from?.seen);
    this.#delivery = new Delivery(isResumable ? new Outbox(key, context.outboxBytes, from?.outbox) : undefined);
    this.userId = principal.user.id;
    this.username = principal.user.username;
    this.#inbox = new Inbox(context, this, from);
    this.#attachment = new Attachment(context, this, { inbox: this.#inbox, delivery: this.#delivery });
  }

  /** Resolves when it has left every room. */
  get ended(): Promise<void> {
    if (this.#state === 'ended') return Promise.resolve();
    this.#ending ??= createSettling();
    return this.#ending.over;
  }

  /** Under which it can be resumed; undefined: it cannot. */
  get id(): string | undefined {
    return this.#delivery.isResumable ? this.key : undefined;
  }

  get commandRefs(): Set<string> {
    return this.#inbox.commandRefs;
  }

  /** It is in no room, and will be in none. */
  get hasEnded(): boolean {
    return this.#state === 'ended';
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** Whose it is, by the token of the connection that opened or last resumed it. */
  get principal(): Principal {
    return this.#principal;
  }

  get transportKind(): TransportKind | 'detached' {
    return this.#delivery.connection?.transport.kind ?? 'detached';
  }

  /** Whether its connection has not taken all that is for it. */
  get isBehind(): boolean {
    return this.#delivery.isBehind;
  }

  // ---- connections ----

  /** Begins over its first connection. */
  begin(transport: Transport): ConnectionEvents {
    return this.#attachment.attach(transport, false);
  }

  /**
   * Goes on over another connection, whose client has `n` of its messages; one that it is still attached to is told so and
   * ended. Undefined, and nothing has changed: it cannot go on from there.
   */
  resume(transport: Transport, principal: Principal, n: number): ConnectionEvents | undefined {
    if (this.#isMoving || !this.reaches(n)) return undefined;
    this.#attachment.rewind(n);
    this.#principal = principal;
    const connection = this.#attachment.attach(transport, true);
    this.flush();
    if (!this.#isKept) this.#inbox.queue.unpause();
    return connection;
  }

  /** Whether a client that has `n` of its messages can go on with it. */
  reaches(n: number): boolean {
    return this.#state === 'open' && this.#delivery.reaches(n);
  }

  // ---- the way to another node ----

  /** False: it has ended here, goes on here, or never was to move. */
  get isMoving(): boolean {
    return this.#isMoving;
  }

  /** Its client has come to another node and has `n` of its messages. Needs `reaches(n)`, and that it does not move. */
  beginMove(n: number): void {
    this.#attachment.rewind(n);
    this.#inbox.queue.pause();
    this.#isMoving = true;
  }

  /** Resolves when what its client has sent has its outcome, but for what waits for its turn: the time to export it. */
  settled(): Promise<void> {
    return this.#inbox.queue.settled();
  }

  /** All but its rooms, with what they have shown so far. Undefined: it has ended, or does not move any more. */
  export(): SessionExport | undefined {
    if (this.#state !== 'open' || !this.#isMoving) return undefined;
    for (const room of this.rooms.all()) room.flush();
    const { key, userId, username } = this;
    const outbox = this.#delivery.export();
    return outbox && { key, userId, username, outbox, ...this.#inbox.export(), seen: this.rooms.exportSeen() };
  }

  /** The move came to nothing: it is detached as if its connection had gone now. */
  stay(): void {
    if (!this.#isMoving) return;
    this.#isMoving = false;
    this.#attachment.detach(undefined);
    if (!this.#isKept) this.#inbox.queue.unpause();
    this.flush();
  }

  /** Asks its client to prove that it lives; resolves false when it does not, or there is no connection. */
  prove(): Promise<boolean> {
    return this.#state === 'open' ? this.#attachment.prove() : Promise.resolve(false);
  }

  /** Ends it after what its client has sent before; its connection is closed then. */
  leave(): void {
    if (this.#state !== 'open') return;
    this.#attachment.endGrace();
    this.#isMoving = false;
    this.#state = 'ending';
    this.#inbox.queue.unpause();
    this.#inbox.queue.add({ type: 'end' });
  }

  // ---- from the client ----

  /** Client messages that came beside the connection, parsed from `bytes` bytes of JSON. False: too many, none was taken. */
  post(messages: readonly unknown[], bytes: number): boolean {
    return this.#attachment.post(messages, bytes);
  }

  /** Counts an attempt to resume; false: there are too many. */
  mayResume(): boolean {
    return this.#inbox.mayTake(1, 0);
  }

  /** Counts a move to another node; false: there are too many. */
  mayMove(): boolean {
    return this.#inbox.mayMove();
  }

  // ---- from the chat ----

  /** Ends the session with a fatal. What waits for its turn is dropped. */
  endWithFatal(code: FatalCode): void {
    if (this.#state !== 'open') return;
    countError(this.#context.counters, code);
    this.flush();
    this.#delivery.release(false)?.refuse(code);
    this.end(closeAfter(code));
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
    this.#delivery.release(false)?.close(close);
    if (this.#state !== 'open') return;
    this.#inbox.queue.clear();
    this.leave();
  }

  /** The node is about to stop: what its client sends from now on waits for the node to which the session goes. */
  keepForMove(): void {
    if (!this.#delivery.isResumable) return;
    this.#isKept = true;
    this.#inbox.queue.pause();
  }

  /** The node stops: the connection is closed, so that the client comes to another node. */
  letGo(): void {
    this.flush();
    if (this.#delivery.connection !== undefined) this.#attachment.detach('restarting');
  }

  /** The node stops: the connection is closed, and nobody is told of a parting, because everybody leaves. */
  stop(): void {
    this.flush();
    this.#delivery.release(false)?.close('restarting');
    this.#inbox.queue.clear();
    this.#attachment.endGrace();
    this.#finish();
  }

  /** Says that the server is about to close. `reconnectInMs`: when this client is to come back. */
  announceClosing(reconnectInMs: number): void {
    this.answer({ type: 'notification', code: 'server-closing', reconnect_in: reconnectInMs });
  }

  // ---- towards the client ----

  /** Whether what is for it is for anybody: one that is ending is resumed by nobody, so its connection was the last. */
  get isHeard(): boolean {
    return this.#state === 'open' || this.#delivery.connection !== undefined;
  }

  push(frames: readonly EncodedFrame[]): void {
    if (!this.isHeard) return;
    if (this.#delivery.push(frames)) this.#context.turn.addSession(this);
  }

  /** Sends a message to this client alone, after what its rooms have shown so far: also what this turn has shown. */
  answer(frame: ServerFrame): void {
    this.pushDirect(encode(frame));
  }

  answerError(code: ErrorCode, details?: ErrorDetails, ref?: string): void {
    countError(this.#context.counters, code);
    this.pushDirect(encodeError(code, details, ref));
  }

  /** As `answer`, encoded already. */
  pushDirect(frame: EncodedFrame): void {
    for (const room of this.rooms.all()) room.flush();
    this.push([frame]);
  }

  get isInOneRoom(): boolean {
    return this.rooms.size === 1;
  }

  tryWrite(): boolean {
    return this.#delivery.write() && !this.#delivery.isLost && !this.#isHeldBack;
  }

  flush(): void {
    const isTaken = this.#delivery.write();
    if (this.#delivery.isLost && !this.#isMoving) this.leave();
    else if (this.#delivery.connection === undefined) return;
    else if (!isTaken && this.#delivery.isResumable) this.#attachment.detach('tooSlow');
    else if (!isTaken) this.end('tooSlow');
    if (!this.#isHeldBack) return;
    this.#isHeldBack = false;
    this.#inbox.queue.goOn();
  }

  onDisbanded(room: LiveRoom): void {
    this.rooms.exit(room);
  }

  // ---- its client messages, in their order ----

  /** A message of this session goes to the log. The returned function is called when its outcome is known. */
  beginAppend(): () => void {
    return this.#inbox.queue.beginAppend();
  }

  /** The error of a message to a room: it comes after the outcomes of those before, which may still wait for the log. */
  refuseMessage(code: ErrorCode, details: ErrorDetails | undefined, ref: string | undefined): void {
    this.#inbox.refuseMessage(code, details, ref);
  }

  /** Long answers wait until they fit beside what the client has not taken yet: asking for many costs nobody the session. */
  mayRunTask(task: Task): boolean {
    if (this.#hasRoomFor(task)) return true;
    this.#isHeldBack = this.#state === 'open';
    if (this.#isHeldBack) return false;
    // It is ending, and waits for no client that does not take what it has asked for.
    this.flush();
    if (!this.#hasRoomFor(task)) this.#delivery.release(false)?.close('normal');
    return true;
  }

  /** One that is longer than all that is kept is answered when everything else was taken. */
  #hasRoomFor(task: Task): boolean {
    const bytes = task.type === 'answer' || task.type === 'end' ? 0 : longAnswerBytes(this.#context, task);
    const { isResumable } = this.#delivery;
    const most = isResumable ? this.#context.outboxBytes - limits.transportBytes : limits.unwrittenBytes;
    return bytes === 0 || this.#delivery.hasRoomFor(Math.min(bytes, most));
  }

  runTask(task: Task): Promise<void> | undefined {
    // A hundred pages that nobody hears, read without a turn of the event loop between them, would stop it for a second.
    if (questions.has(task.type) && !this.isHeard) return undefined;
    if (task.type !== 'answer' && task.type !== 'end') return runCommand(this.#context, this, task);
    if (task.type === 'answer') this.pushDirect(task.frame);
    else this.#leaveAll();
    return undefined;
  }

  // ---- ending ----

  #leaveAll(): void {
    for (const room of this.rooms.all()) {
      room.remove(this, undefined);
      this.#context.hub.release(room);
    }
    this.#finish();
  }

  /** It lives on another node now: it ends here, and nobody is told. `to`: where, if it is known. */
  vanish(to?: MovedTo): void {
    if (this.#state === 'ended') return;
    this.#inbox.queue.clear();
    this.#attachment.endGrace();
    for (const room of this.rooms.all()) {
      room.dropMember(this, to);
      this.#context.hub.release(room);
    }
    this.#finish();
  }

  #finish(): void {
    this.rooms.clear();
    this.#isMoving = false;
    this.flush();
    this.#delivery.release(false)?.close('normal');
    this.#state = 'ended';
    queueMicrotask(() => this.onEnded(this));
    this.#ending?.settle();
  }
}
