/**
 * The newest commands of a room, so that a session which moves here gets those that it has not seen; and how far each
 * node's commands were shown here. It must not know frames.
 */
import type { RelayedCommand } from './room-channel.ts';

/** A move takes some round trips; commands are kept well beyond that. */
const keepMs = 15_000;
/** Commands kept: of 4 KB each they take 2 MB at most. */
const maxKept = 500;
/** Nodes remembered: above the number that share a room, with those that came and went. */
const maxNodes = 1_000;

type Kept = { node: string; n: number; command: RelayedCommand; at: number };

export class RecentCommands {
  #kept: Kept[] = [];
  readonly #seen = new Map<string, number>();
  readonly #openedAt: number;

  constructor(openedAt: number) {
    this.#openedAt = openedAt;
  }

  /** False: it was shown before. */
  add(node: string, n: number, command: RelayedCommand, now: number): boolean {
    if (n <= (this.#seen.get(node) ?? 0)) return false;
    this.noteSeen(node, n);
    const first = this.#kept.findIndex((one) => one.at > now - keepMs);
    if (first !== 0) this.#kept = first === -1 ? [] : this.#kept.slice(first);
    this.#kept.push({ node, n, command, at: now });
    if (this.#kept.length > maxKept) this.#kept.shift();
    return true;
  }

  /** What the node has relayed up to `n` was shown, or was before anybody's time here. */
  noteSeen(node: string, n: number): void {
    const known = this.#seen.get(node) ?? 0;
    this.#seen.delete(node);
    this.#seen.set(node, Math.max(known, n));
    if (this.#seen.size <= maxNodes) return;
    const [oldest = node] = this.#seen.keys();
    this.#seen.delete(oldest);
  }

  seen(): [node: string, n: number][] {
    return Array.from(this.#seen);
  }

  /** For how long every command of the room was heard here. */
  heardForMs(now: number): number {
    return now - this.#openedAt;
  }

  /**
   * Those that were shown here, but not to whoever has seen so far. A node that is not among the seen ones had said nothing
   * while its room was live over there: what it said before `unknownAfter` was before that time.
   */
  since(seen: readonly (readonly [node: string, n: number])[], unknownAfter: number): RelayedCommand[] {
    const known = new Map(seen);
    const isMissed = ({ node, n, at }: Kept): boolean => {
      const last = known.get(node);
      return last === undefined ? at > unknownAfter : n > last;
    };
    return this.#kept.filter(isMissed).map(({ command }) => command);
  }
}
