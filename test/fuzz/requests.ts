/**
 * What a client has asked of its session and has no answer to, and the sending of it: in batches, one after the other,
 * and all again where it is not known how much of it has arrived.
 */
import { type Request, takeBatch } from './batch.ts';
import type { Line } from './lines.ts';
import type { SessionClientOptions } from './session-options.ts';

/** Requests that are sent at once, at most. */
const batchMax = 20;

export type RequestsOptions = Pick<SessionClientOptions, 'random' | 'diary' | 'tally'> & {
  /** The line over which there is something to be said; undefined: none at the moment. */
  line: () => Line | undefined;
  /** Leaves that line. */
  drop: () => void;
};

export class Requests {
  readonly #options: RequestsOptions;
  /** By ref, in the order of sending. */
  readonly #unanswered = new Map<string, Request>();
  #outgoing: Request[] = [];
  #isSending = false;

  constructor(options: RequestsOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#unanswered.size;
  }

  get(ref: string): Request | undefined {
    return this.#unanswered.get(ref);
  }

  /** Whether one of that type is under way for the room. */
  has(wanted: string, room: string): boolean {
    for (const { type, room_name: name } of this.#unanswered.values())
      if (type === wanted && name === room) return true;
    return false;
  }

  send(request: Request): void {
    this.#unanswered.set(request.ref, request);
    this.#outgoing.push(request);
    void this.#pump();
  }

  sendAllAgain(): void {
    this.#outgoing = Array.from(this.#unanswered.values());
    void this.#pump();
  }

  answered(ref: string): void {
    this.#unanswered.delete(ref);
  }

  /** The line is gone: what was not sent yet waits for `sendAllAgain`. */
  hold(): void {
    this.#outgoing = [];
  }

  /** The session is gone: nothing of it will be answered. */
  clear(): void {
    this.#unanswered.clear();
    this.hold();
  }

  async #pump(): Promise<void> {
    const { random, diary, tally, line: openLine, drop } = this.#options;
    while (!this.#isSending && this.#outgoing.length > 0) {
      const line = openLine();
      if (line === undefined) return;
      const batch = takeBatch(this.#outgoing, random.int(1, batchMax));
      this.#isSending = true;
      diary.note(`send ${batch.map(({ type, room_name: room, ref }) => `${type} ${room ?? ''} ${ref}`).join(', ')}`);
      const result = await line.send(batch);
      this.#isSending = false;
      diary.note(result);
      tally.count(`send ${result}`);
      // The line may be another by now: then everything was sent again on it.
      if (line !== openLine()) continue;
      if (result === 'refused') drop();
      else if (result === 'unknown' && random.chance(0.3)) drop();
      else if (result === 'unknown') this.#outgoing = Array.from(this.#unanswered.values());
    }
  }
}
