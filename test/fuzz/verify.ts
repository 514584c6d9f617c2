/** What must be true at the end of a round, whatever happened in it. Each check returns the sentences that are not. */
import type { FuzzClient } from './parts.ts';
import type { Entry, Membership } from './room-log.ts';
import { unheard } from './session-client.ts';

/** A room's log as SQL has it, by id. */
export type StoredLog = ReadonlyMap<number, Entry>;
type StoredLogs = ReadonlyMap<string, StoredLog>;

/** Each client's log of each room, from its first join on, is the room's. */
export function verifyLogs(client: Pick<FuzzClient, 'logs'>, stored: StoredLogs): string[] {
  const faults: string[] = [];
  for (const { name, first, messages } of client.logs) {
    if (first === undefined) faults.push(`was never in ${name}`);
    for (const [id, { user, body }] of stored.get(name) ?? []) {
      if (first === undefined || id < first) continue;
      const had = messages.get(id);
      if (had === undefined) faults.push(`${name}: message ${id} of ${user} is missing`);
      else if (had.user !== user || had.body !== body) faults.push(`${name}: message ${id} is not the stored one`);
    }
    for (const id of messages.keys()) {
      if (!stored.get(name)?.has(id)) faults.push(`${name}: message ${id} was seen and is not stored`);
    }
  }
  return faults;
}

/** What a client knows to be stored is there, and under the id that it was told. */
export function verifyStored(client: FuzzClient, stored: StoredLogs): string[] {
  return client.stored
    .filter(({ room, id, body }) => {
      const entry = stored.get(room)?.get(id);
      return entry?.user !== client.name || entry.body !== body;
    })
    .map(({ room, id }) => `${room}: its message ${id} is not stored as it was told`);
}

/** Nothing is stored twice, ids are dense, and messages stand in the order in which they were said. */
export function verifyRoom(name: string, log: StoredLog, orderly: ReadonlySet<string>): string[] {
  const faults: string[] = [];
  const bodies = new Set<string>();
  const lastSaid = new Map<string, number>();
  let expected = 1;
  for (const [id, { user, body }] of log) {
    if (id !== expected) faults.push(`${name}: message ${id} where ${expected} should be`);
    expected = id + 1;
    if (bodies.has(body)) faults.push(`${name}: "${body.slice(0, 40)}" is stored twice`);
    bodies.add(body);
    if (body === unheard) faults.push(`${name}: message ${id} of ${user} was ${unheard}`);
    const said = Number(/ says (\d+)/.exec(body)?.[1]);
    if (orderly.has(user) && said < (lastSaid.get(user) ?? -1)) {
      faults.push(`${user}: in ${name} message ${id} is what it said as ${said}, after ${String(lastSaid.get(user))}`);
    }
    lastSaid.set(user, said);
  }
  return faults;
}

/**
 * While in a room, a member sees its events as everybody does: what it saw after its `joined` is, without a gap and
 * without an addition, a part of what the watcher saw. While its history is read, what happens is held for it: the others
 * see that before its `joined`, the member after it.
 */
export function verifyMemberships(memberships: readonly Membership[], watched: readonly string[]): string[] {
  const faults: string[] = [];
  let after = -1;
  for (const { member, events } of memberships) {
    const own = `joined ${member}`;
    const seen = events.slice(1);
    let best: { at: number; count: number } | undefined;
    for (let at = watched.indexOf(own, after + 1); at !== -1; at = watched.indexOf(own, at + 1)) {
      const count = longestAgreement(seen, watched, at);
      if (best === undefined || count > best.count) best = { at, count };
      if (count === seen.length) break;
    }
    if (best?.count === seen.length) after = best.at;
    else faults.push(describeMismatch(own, seen, watched, best));
  }
  return faults;
}

/** So many events may be held for a member whose history is read. */
const heldMax = 1000;

/** How many events agree with those around the member's `joined` at `at`, for the number of held ones that fits best. */
function longestAgreement(seen: readonly string[], watched: readonly string[], at: number): number {
  let longest = 0;
  for (let held = 0; held <= Math.min(heldMax, at, seen.length); held += 1) {
    let count = 0;
    const there = (): string | undefined => watched[count < held ? at - held + count : at + 1 + count - held];
    while (count < seen.length && seen[count] === there()) count += 1;
    longest = Math.max(longest, count);
    if (count === seen.length) break;
  }
  return longest;
}

/** No command is relayed twice, however often it was sent. */
export function verifyCommands(watched: readonly string[]): string[] {
  const seen = new Set<string>();
  const faults: string[] = [];
  for (const event of watched) {
    if (!event.startsWith('custom ')) continue;
    if (seen.has(event)) faults.push(`"${event}" came twice`);
    seen.add(event);
  }
  return faults;
}

function describeMismatch(
  own: string,
  seen: readonly string[],
  watched: readonly string[],
  best: { at: number; count: number } | undefined,
): string {
  if (best === undefined) return `"${own}" with ${seen.length} events, which nobody else saw`;
  const { at, count } = best;
  const near = (list: readonly string[], from: number): string =>
    list.slice(Math.max(0, from - 2), from + 5).join(', ');
  const others = near(watched, at + count);
  return `after ${count} events of ${seen.length} saw [${near(seen, count)}] where others saw [${others}]`;
}
