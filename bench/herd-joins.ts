/** One run of a herd that joins: everybody at once, into one room. Quadratic by contract: each learns of each. */
import { setTimeout as sleep } from 'node:timers/promises';
import { readCpu, watchOwn } from './cpu.ts';
import type { JoinsPlan, JoinsResult } from './herd-plan.ts';
import type { RawClient } from './raw-client.ts';
import { openRawSocket } from './raw-socket.ts';

const openAtOnce = 32;
/** As many of the newest messages as a newcomer gets. */
const historyShown = 50;

type Joiner = {
  client: RawClient;
  /** The answer to its join: a copy, to be looked into when the time is taken. */
  answer: Buffer | undefined;
  /** Others that joined after it. */
  joined: number;
  /** Messages that it was shown. */
  messages: number;
};
type Herd = { joiners: Joiner[]; bytes: number; answered: number; told: number; failed: number };

export async function runJoins(plan: JoinsPlan): Promise<JoinsResult> {
  const herd: Herd = { joiners: [], bytes: 0, answered: 0, told: 0, failed: 0 };
  await openAll(plan, herd);
  await makeHistory(plan, herd);
  const size = herd.joiners.length;
  herd.bytes = herd.answered = herd.told = 0;
  const cpu = (): number | undefined => readCpu({ nodes: [plan.node], helpers: [] }).nodes?.[0];
  const cpuBefore = cpu();
  const readOwn = watchOwn();
  const start = performance.now();
  const join = JSON.stringify({ type: 'join', room_name: plan.room });
  for (const { client } of herd.joiners) client.send(join);
  const joinedMs = (await until(herd, plan.stallMs, () => herd.answered === size)) - start;
  // Each but the first finds others in its list; whoever came after is told of by itself.
  const toldMs = (await until(herd, plan.stallMs, () => herd.told === (size * (size - 1)) / 2)) - start;
  const [cpuAfter, own] = [cpu(), readOwn()];
  const incomplete = herd.joiners.filter((joiner) => !isComplete(joiner, size, plan.history)).length;
  for (const { client } of herd.joiners) client.end();
  return {
    kind: 'joins',
    joinedMs,
    toldMs,
    cpuSeconds: cpuAfter === undefined || cpuBefore === undefined ? undefined : cpuAfter - cpuBefore,
    generatorCpuSeconds: own.seconds,
    generatorWasLimit: own.wasLimit,
    megabytes: herd.bytes / 1e6,
    incomplete,
    failedConnections: herd.failed,
  };
}

async function openAll(plan: JoinsPlan, herd: Herd): Promise<void> {
  const tokens = plan.tokens.values();
  const openNext = async (): Promise<void> => {
    for (const token of tokens) {
      try {
        herd.joiners.push(await openOne(plan.node.port, token, herd));
      } catch (error) {
        herd.failed += 1;
        if (herd.failed === 1) console.error(`bench: a member could not connect: ${(error as Error).message}`);
      }
    }
  };
  await Promise.all(Array.from({ length: openAtOnce }, openNext));
}

async function openOne(port: number, token: string, herd: Herd): Promise<Joiner> {
  const joiner: Omit<Joiner, 'client'> = { answer: undefined, joined: 0, messages: 0 };
  const client = await openRawSocket(port, token, {
    onMessage: (bytes, from, to) => {
      herd.bytes += to - from;
      // {"type":"room:notification","code":"joined","you":false
      //                                     36            50
      if (bytes[from + 36] === 0x6d) whole.messages += 1;
      else if (bytes[from + 36] !== 0x6a) return;
      else if (bytes[from + 50] === 0x74) {
        whole.answer = Buffer.from(bytes.subarray(from, to));
        herd.answered += 1;
      } else {
        whole.joined += 1;
        herd.told += 1;
      }
    },
    onEnd: () => {},
  });
  const whole: Joiner = Object.assign(joiner, { client });
  return whole;
}

/** The first of them says something, and leaves the room again. */
async function makeHistory({ room, history, stallMs }: JoinsPlan, herd: Herd): Promise<void> {
  const [first] = herd.joiners;
  if (first === undefined || history === 0) return;
  const say = (frame: object): void => first.client.send(JSON.stringify({ ...frame, room_name: room }));
  say({ type: 'join' });
  for (let index = 0; index < history; index += 1) say({ type: 'message', body: `What was said before, ${index}.` });
  await until(herd, stallMs, () => first.messages >= history);
  say({ type: 'part' });
  first.answer = undefined;
}

/** Resolves when it is so, or nothing has come for too long. */
async function until(herd: Herd, stallMs: number, isSo: () => boolean): Promise<number> {
  let seen = herd.bytes;
  let since = performance.now();
  while (!isSo() && performance.now() - since < stallMs) {
    if (herd.bytes !== seen) {
      seen = herd.bytes;
      since = performance.now();
    }
    await sleep(1);
  }
  return performance.now();
}

function isComplete({ answer, joined }: Joiner, size: number, history: number): boolean {
  if (answer === undefined) return false;
  const { status } = JSON.parse(answer.toString()) as { status: { users: { you: boolean }[]; messages: object[] } };
  const { users, messages } = status;
  const isListed = users.filter(({ you }) => you).length === 1;
  return isListed && users.length + joined === size && messages.length >= Math.min(history, historyShown);
}
