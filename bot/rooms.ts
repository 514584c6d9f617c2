/**
 * Keeps the bot in its rooms, and in no others: those it was told, or all there are. Looks at the server's list when the
 * chat begins, after each reconnect, when a room is lost, and once a minute, because a list costs one small message and
 * rooms come and go.
 */
import { ChatError, type Client } from '../src/client/index.ts';
import type { BotLog } from './command.ts';
import type { Wait } from './wait.ts';

export type RoomKeeperDeps = {
  client: Pick<Client, 'list' | 'join' | 'part' | 'on'>;
  /** Names; none: all rooms. */
  wanted: readonly string[];
  log: BotLog;
  wait: Wait;
  /** Aborts when this run of the chat is over. */
  signal: AbortSignal;
};

const lookEveryMs = 60_000;
// After a loss, so that a room that throws the bot out again and again is not joined in a tight loop.
const lookAgainMs = 1000;

/** What was said last, kept over the runs of the chat, so that the log repeats nothing. */
export type RoomReport = { last: string };

/** Runs until `signal` aborts; never rejects. */
export async function keepRooms(deps: RoomKeeperDeps, report: RoomReport): Promise<void> {
  const { client, wait, signal } = deps;
  let poked = new AbortController();
  const poke = (): void => poked.abort();
  const removers = [
    client.on('left', poke),
    client.on('parted', ({ you }) => (you ? poke() : undefined)),
    client.on('state', ({ state }) => (state === 'open' ? poke() : undefined)),
  ];
  try {
    while (!signal.aborted) {
      poked = new AbortController();
      await look(deps, report);
      await wait(lookEveryMs, signal, poked.signal);
      if (poked.signal.aborted) await wait(lookAgainMs, signal);
    }
  } finally {
    for (const remove of removers) remove();
  }
}

/** Joins what is there and wanted, and says what has changed. */
async function look({ client, wanted, log, signal }: RoomKeeperDeps, report: RoomReport): Promise<void> {
  const inside: string[] = [];
  let missing: string[] = [];
  try {
    const list = await client.list({ signal });
    const names = new Set(list.map(({ name }) => name));
    missing = wanted.filter((name) => !names.has(name));
    for (const { name, joined } of list) {
      if (wanted.length > 0 && !wanted.includes(name)) {
        // A session that goes on from before may be in rooms that were wanted then.
        if (joined) await part(client, name, signal);
        continue;
      }
      if (joined || (await join(client, name, signal))) inside.push(name);
      else missing.push(name);
    }
  } catch (error) {
    // The chat ended or stalled: the next look comes with the next connection, or in a minute.
    if (!signal.aborted) log.warn(`The rooms could not be looked at: ${(error as Error).message}`);
    return;
  }
  const sentence = describe(inside, missing, wanted.length > 0);
  if (sentence.text === report.last) return;
  report.last = sentence.text;
  log[sentence.level](sentence.text);
}

/** True: the bot is in the room. False: the room is gone. */
async function join(client: Pick<Client, 'join'>, name: string, signal: AbortSignal): Promise<boolean> {
  try {
    await client.join(name, { signal });
    return true;
  } catch (error) {
    if (!(error instanceof ChatError)) throw error;
    // The client rejoins its rooms by itself after a reconnect, and may have been faster.
    return error.code === 'room:already-joined';
  }
}

async function part(client: Pick<Client, 'part'>, name: string, signal: AbortSignal): Promise<void> {
  try {
    await client.part(name, { signal });
  } catch (error) {
    // Thrown out meanwhile, or the room is gone: either way the bot is not in it.
    if (!(error instanceof ChatError)) throw error;
  }
}

function describe(inside: string[], missing: string[], isTold: boolean): { level: keyof BotLog; text: string } {
  const again = 'It is looked for again every minute.';
  if (inside.length === 0) {
    const why = isTold ? `None of FINBOT_ROOMS exists (${missing.join(', ')})` : 'The server has no rooms';
    return { level: 'error', text: `${why}, so there is nobody to answer. Looking again every minute.` };
  }
  const present = `In ${inside.length === 1 ? 'the room' : 'the rooms'} ${inside.join(', ')}.`;
  if (missing.length === 0) return { level: 'info', text: present };
  return { level: 'warn', text: `${present} There is no room named ${missing.join(', ')}. ${again}` };
}
