/**
 * What nodes ask and tell each other, over any bus. Every node hears two channels: its own and that of all. Nothing is
 * resent: who gets no answer asks again, or goes to SQL. A question that was held up on its way is refused, so that
 * nothing is done for somebody who has given up long ago.
 */
import { type Bus, NodeSilent, type Peers, type Subscription } from '../core/cluster-ports.ts';
import type { Clock } from '../core/ports.ts';
import { type Channels, createChannels } from './channels.ts';
import { NodeClocks } from './node-clocks.ts';
import { type PeerBody, type PeerFrame, parsePeerFrame, peerVersion } from './peer-frames.ts';
import { createSeldom, type Seldom } from './seldom.ts';

/** Answers take milliseconds; a node that needs longer is as good as silent. */
export const answerTimeoutMs = 3_000;
/** A question that took longer is refused: its asker is about to give up. */
const lateAfterMs = 2_000;
/** Questions under way from here, polls that wait elsewhere among them; and as many that are answered here. */
const maxPending = 20_000;
/** Ids of dead nodes that are remembered: a node does not sleep through the deaths of so many others. */
const maxDead = 10_000;

type Log = { warn(details: object, sentence: string): void; error(details: object, sentence: string): void };

export interface ClusterPeers extends Peers {
  /** Resolves when this node hears the others. */
  readonly ready: Promise<void>;
  /** A node was marked dead, or has left: questions to it fail at once, and nothing of it is heard any more. */
  gone(node: string): void;
  /** This node was marked dead, and goes on under another id: what it has asked fails, what it was asked is broken off. */
  restart(id: string): void;
  /** Questions from here. */
  readonly counts: { readonly answered: number; readonly silent: number };
  close(): void;
}

export type PeersOptions = {
  bus: Bus;
  /** Of this node. */
  id: string;
  clusterId: string;
  clock: Clock;
  log: Log;
  /** Tests lower it. */
  maxPending?: number;
};

export function createPeers(options: PeersOptions): ClusterPeers {
  return new BusPeers(options);
}

type Answer = (question: unknown, from: string, signal: AbortSignal) => Promise<object>;
type Pending = { node: string; resolve(value: unknown): void; fail(error: unknown): void };
type Answering = { from: string; controller: AbortController };

class BusPeers implements ClusterPeers {
  readonly counts = { answered: 0, silent: 0 };
  readonly #bus: Bus;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #channels: Channels;
  readonly #clocks: NodeClocks;
  readonly #seldom: Seldom;
  readonly #maxPending: number;
  readonly #answers = new Map<string, Answer>();
  readonly #receivers = new Map<string, Set<(value: unknown, from: string) => void>>();
  /** What was asked from here, by its number. */
  readonly #pending = new Map<number, Pending>();
  /** What is answered here, by asker and number. */
  readonly #answering = new Map<string, Answering>();
  /** In the order in which they died. */
  readonly #dead = new Set<string>();
  readonly #all: Subscription;
  readonly #endRestored: () => void;
  #own: Subscription;
  #id: string;
  #lastQuestion = 0;

  constructor(options: PeersOptions) {
    this.#bus = options.bus;
    this.#clock = options.clock;
    this.#log = options.log;
    this.#id = options.id;
    this.#maxPending = options.maxPending ?? maxPending;
    this.#channels = createChannels(options.clusterId);
    this.#clocks = new NodeClocks(options.clock);
    this.#seldom = createSeldom(options.clock);
    this.#all = this.#bus.subscribe(this.#channels.all, (heard) => this.#hear(heard, true));
    this.#own = this.#bus.subscribe(this.#channels.node(this.#id), (heard) => this.#hear(heard, false));
    // Answers may have been lost: nobody should wait for them to the end.
    this.#endRestored = this.#bus.onRestored(() => this.#failPending(() => true, true));
  }

  get id(): string {
    return this.#id;
  }

  get ready(): Promise<void> {
    return Promise.all([this.#all.ready, this.#own.ready]).then(() => undefined);
  }

  async ask(
    node: string,
    kind: string,
    question: object,
    { timeoutMs = answerTimeoutMs, signal }: { timeoutMs?: number; signal?: AbortSignal } = {},
  ): Promise<unknown> {
    const deadline = this.#clock.now() + timeoutMs;
    try {
      // First contact, or the first for minutes.
      if (this.#clocks.guess(node) === undefined) await this.#ask(node, () => ({ type: 'clock' }), deadline, signal);
      const body = (): Question => ({ type: 'ask', kind, by: this.#clocks.guess(node) ?? 0, value: question });
      const answer = await this.#ask(node, body, deadline, signal);
      this.counts.answered += 1;
      return answer;
    } catch (error: unknown) {
      if (error instanceof NodeSilent) this.counts.silent += 1;
      throw error;
    }
  }

  serve(kind: string, answer: Answer): void {
    if (this.#answers.has(kind)) throw new Error(`Questions of the kind ${kind} are answered already.`);
    this.#answers.set(kind, answer);
  }

  tell(node: string, kind: string, value: object): void {
    void this.#sendTo(node, { type: 'tell', kind, value });
  }

  tellAll(kind: string, value: object): void {
    if (!this.#bus.isAlone) void this.#send(this.#channels.all, { type: 'tell', kind, value });
  }

  on(kind: string, receive: (value: unknown, from: string) => void): void {
    const receivers = this.#receivers.get(kind) ?? new Set();
    receivers.add(receive);
    this.#receivers.set(kind, receivers);
  }

  gone(node: string): void {
    this.#bury(node);
    this.#failPending((pending) => pending.node === node, false);
    for (const [key, { from }] of this.#answering) if (from === node) this.#breakOff(key);
    this.#clocks.forget(node);
  }

  restart(id: string): void {
    this.#own.close();
    // What this node said as the other is not heard, not even by itself.
    this.#bury(this.#id);
    this.#failPending(() => true, true);
    for (const key of this.#answering.keys()) this.#breakOff(key);
    this.#id = id;
    this.#own = this.#bus.subscribe(this.#channels.node(id), (heard) => this.#hear(heard, false));
  }

  close(): void {
    this.#endRestored();
    this.#failPending(() => true, true);
    for (const key of this.#answering.keys()) this.#breakOff(key);
    this.#own.close();
    this.#all.close();
  }

  // ---- asking ----

  #ask(node: string, body: () => Question, deadline: number, signal: AbortSignal | undefined): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const leftMs = deadline - this.#clock.now();
      const cannot = this.#dead.has(node) || !this.#bus.isHealthy() || this.#pending.size >= this.#maxPending;
      if (signal?.aborted === true) return reject(signal.reason);
      if (cannot || leftMs <= 0) return reject(new NodeSilent(node));
      const id = ++this.#lastQuestion;
      const end = (): void => {
        this.#pending.delete(id);
        endTimer();
        signal?.removeEventListener('abort', handleAbort);
      };
      const pending: Pending = {
        node,
        resolve(value) {
          end();
          resolve(value);
        },
        fail(error) {
          end();
          reject(error);
        },
      };
      const giveUp = (error: unknown): void => {
        pending.fail(error);
        void this.#sendTo(node, { type: 'abort', ids: [id] });
      };
      const handleAbort = (): void => giveUp(signal?.reason);
      const endTimer = this.#clock.after(leftMs, () => giveUp(new NodeSilent(node)));
      signal?.addEventListener('abort', handleAbort, { once: true });
      this.#pending.set(id, pending);
      void this.#sendTo(node, { ...body(), id }).then((hearing) => {
        const isLost = hearing === 0 || (hearing === undefined && !this.#bus.isHealthy());
        if (isLost && this.#pending.get(id) === pending) pending.fail(new NodeSilent(node));
      });
    });
  }

  /** `isTold`: the others need not go on. */
  #failPending(isMeant: (pending: Pending) => boolean, isTold: boolean): void {
    const failed = new Map<string, number[]>();
    for (const [id, pending] of [...this.#pending].filter(([, pending]) => isMeant(pending))) {
      pending.fail(new NodeSilent(pending.node));
      const ids = failed.get(pending.node);
      if (ids === undefined) failed.set(pending.node, [id]);
      else ids.push(id);
    }
    if (!isTold) return;
    for (const [node, ids] of failed) void this.#sendTo(node, { type: 'abort', ids });
  }

  // ---- hearing ----

  #hear(heard: unknown, isToAll: boolean): void {
    const frame = parsePeerFrame(heard);
    if (frame === 'garbage' || frame === 'other-version') {
      this.#seldom(frame, () => this.#log.warn({}, refusals[frame]));
      return;
    }
    // What is told to all was said to the others.
    if (this.#dead.has(frame.from) || (isToAll && frame.from === this.#id)) return;
    this.#clocks.hear(frame.from, frame.at);
    if (frame.type === 'tell') this.#handleTold(frame);
    else if (!isToAll) this.#handleAddressed(frame);
  }

  #handleAddressed(frame: Exclude<PeerFrame, { type: 'tell' }>): void {
    const { from } = frame;
    switch (frame.type) {
      case 'ask':
        void this.#answer(frame);
        break;
      case 'clock':
        void this.#sendTo(from, { type: 'answer', id: frame.id, value: {} });
        break;
      case 'answer':
        this.#pendingOf(from, frame.id)?.resolve(frame.value);
        break;
      case 'none':
        this.#pendingOf(from, frame.id)?.fail(new NodeSilent(from));
        break;
      case 'abort':
        for (const id of frame.ids) this.#breakOff(keyOf(from, id));
        break;
    }
  }

  #pendingOf(node: string, id: number): Pending | undefined {
    const pending = this.#pending.get(id);
    return pending?.node === node ? pending : undefined;
  }

  #handleTold({ kind, value, from }: Extract<PeerFrame, { type: 'tell' }>): void {
    for (const receive of this.#receivers.get(kind) ?? []) {
      try {
        receive(value, from);
      } catch (error) {
        this.#seldom(`told ${kind}`, () => this.#log.error({ err: error, kind }, 'What a node said was not handled.'));
      }
    }
  }

  // ---- answering ----

  async #answer({ id, kind, by, value, from }: Extract<PeerFrame, { type: 'ask' }>): Promise<void> {
    const answer = this.#answers.get(kind);
    const isLate = this.#clock.now() - by > lateAfterMs;
    const key = keyOf(from, id);
    if (this.#answering.has(key)) return;
    if (answer === undefined || isLate || this.#answering.size >= this.#maxPending) {
      void this.#sendTo(from, { type: 'none', id });
      return;
    }
    const answering: Answering = { from, controller: new AbortController() };
    this.#answering.set(key, answering);
    const body = await this.#findAnswer(answer, value, answering);
    // Not when it was broken off meanwhile.
    if (this.#answering.get(key) !== answering) return;
    this.#answering.delete(key);
    void this.#sendTo(from, body === undefined ? { type: 'none', id } : { type: 'answer', id, value: body });
  }

  async #findAnswer(answer: Answer, value: object, { from, controller }: Answering): Promise<object | undefined> {
    try {
      return await answer(value, from, controller.signal);
    } catch {
      // Whoever answers has logged what is worth it; the asker learns that there is no answer.
      return undefined;
    }
  }

  #breakOff(key: string): void {
    const answering = this.#answering.get(key);
    this.#answering.delete(key);
    answering?.controller.abort();
  }

  // ---- saying ----

  #sendTo(node: string, body: PeerBody): Promise<number | undefined> {
    return this.#send(this.#channels.node(node), body);
  }

  #send(channel: string, body: PeerBody): Promise<number | undefined> {
    return this.#bus.publish(channel, { v: peerVersion, from: this.#id, at: this.#clock.now(), ...body });
  }

  #bury(node: string): void {
    this.#dead.add(node);
    for (const oldest of this.#dead) {
      if (this.#dead.size <= maxDead) break;
      this.#dead.delete(oldest);
    }
  }
}

type Question = { type: 'clock' } | { type: 'ask'; kind: string; by: number; value: object };

const refusals = {
  garbage: 'Something on the channels of the nodes has not their form, and is dropped.',
  'other-version': 'A node of another version of finchat is on the bus; what it says is dropped.',
} as const;

function keyOf(from: string, id: number): string {
  return `${id} ${from}`;
}
