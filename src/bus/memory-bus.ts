/**
 * The embedded bus, for one node alone and for several nodes of one process. What is published is encoded and decoded as
 * over a network, so that nodes share nothing, and arrives in a later turn. A test can make it lose things and bring it
 * back.
 */
import type { Bus, Subscription } from '../core/cluster-ports.ts';

export interface MemoryHub {
  /** Another node on this bus. */
  attach(): Bus;
  /** Carries nothing any more, to and from this node or all; what is under way is lost. */
  break(node?: Bus): void;
  /** Carries again, and says so. */
  mend(node?: Bus): void;
  /** The next publications are handed to nobody, and nobody knows. */
  lose(publications?: number): void;
  /** Resolves when nothing is under way any more, with what was published meanwhile. */
  settle(): Promise<void>;
}

type Hub = { readonly nodes: Set<MemoryNode>; toLose: number };

export function createMemoryBus(): MemoryHub {
  const hub: Hub = { nodes: new Set(), toLose: 0 };
  const chosen = (node: Bus | undefined): MemoryNode[] =>
    [...hub.nodes].filter((one) => node === undefined || one === node);
  return {
    attach: () => new MemoryNode(hub),
    break(node) {
      for (const one of chosen(node)) one.break();
    },
    mend(node) {
      const mended = chosen(node).filter((one) => one.mend());
      for (const one of mended) one.tellRestored();
    },
    lose(publications = 1) {
      hub.toLose += publications;
    },
    async settle() {
      do await new Promise((resolve) => setImmediate(resolve));
      while ([...hub.nodes].some((node) => node.isBusy));
    },
  };
}

class MemoryNode implements Bus {
  readonly #hub: Hub;
  readonly #receivers = new Map<string, (value: unknown) => void>();
  readonly #listeners = new Set<() => void>();
  /** What this node will hear, in order. */
  #inbox: { channel: string; text: string }[] = [];
  #isDue = false;
  #isBroken = false;

  constructor(hub: Hub) {
    this.#hub = hub;
    hub.nodes.add(this);
  }

  get isAlone(): boolean {
    return this.#hub.nodes.size <= 1;
  }

  get isBusy(): boolean {
    return this.#isDue;
  }

  isHealthy(): boolean {
    return !this.#isBroken && this.#hub.nodes.has(this);
  }

  async publish(channel: string, value: object): Promise<number | undefined> {
    if (!this.isHealthy()) return undefined;
    const hearing = [...this.#hub.nodes].filter((node) => node.#hears(channel));
    if (hearing.length === 0) return 0;
    const text = write(value);
    if (text === undefined) return undefined;
    if (this.#hub.toLose > 0) this.#hub.toLose -= 1;
    else for (const node of hearing) node.#hand(channel, text);
    return hearing.length;
  }

  subscribe(channel: string, receive: (value: unknown) => void): Subscription {
    if (this.#receivers.has(channel)) throw new Error(`There is a subscription to ${channel} already.`);
    this.#receivers.set(channel, receive);
    return {
      ready: Promise.resolve(),
      close: () => {
        if (this.#receivers.get(channel) === receive) this.#receivers.delete(channel);
      },
    };
  }

  onRestored(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#hub.nodes.delete(this);
    this.#receivers.clear();
    this.#listeners.clear();
    this.#inbox = [];
  }

  break(): void {
    this.#isBroken = true;
    this.#inbox = [];
  }

  /** Whether it was broken. */
  mend(): boolean {
    const wasBroken = this.#isBroken;
    this.#isBroken = false;
    return wasBroken;
  }

  tellRestored(): void {
    for (const listener of this.#listeners) listener();
  }

  #hears(channel: string): boolean {
    return !this.#isBroken && this.#receivers.has(channel);
  }

  #hand(channel: string, text: string): void {
    this.#inbox.push({ channel, text });
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.#deliver());
  }

  #deliver(): void {
    this.#isDue = false;
    const due = this.#inbox;
    this.#inbox = [];
    // Looked up one by one: what is heard may close a subscription, or the bus.
    for (const { channel, text } of due) this.#receivers.get(channel)?.(JSON.parse(text));
  }
}

/** Undefined: it is nested too deep. */
function write(value: object): string | undefined {
  try {
    return JSON.stringify(value);
  } catch {
    return undefined;
  }
}
