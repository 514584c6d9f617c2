/** One run of a herd against finchat, and of finchat's start. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { backoff } from '../src/client/backoff.ts';
import type { Contestant, NodeFlags, RunningServer } from './contestant.ts';
import { generate, patienceMs, patienceMsPerMember, withServer } from './drive.ts';
import { createAccounts, createFinchat } from './finchat.ts';
import type { JoinsPlan, JoinsResult, ReturnsPlan, ReturnsResult, Start } from './herd-plan.ts';
import { generatorNotes, type Measured } from './measured.ts';
import type { ServerNode } from './plan.ts';
import { cpuSeconds } from './process-stat.ts';
import type { JoinsScenario, ReturnsScenario, StartScenario } from './scenarios.ts';
import { fillRoom } from './stored.ts';

// A loop that is busy with a herd says nothing for seconds, on a slow machine for more.
const stallMs = 15_000;
// A client that was refused again and again may be in the longest of its waits.
const returnStallMs = backoff.capMs * 2;
const probeMs = 20;
/** Below the ports that systems give to those who connect: one of thousands might get the server's while it is away. */
const quietPorts = { from: 20_000, to: 30_000 };

export async function measureJoins(
  { members, rooms, history }: JoinsScenario,
  contestant: Contestant,
  flags: NodeFlags | undefined,
): Promise<Measured> {
  return withServer(contestant, flags, async (server) => {
    const tokens = await contestant.tokens(server, members);
    const [room = ''] = await contestant.rooms(rooms);
    const node = firstOf(server);
    const plan: JoinsPlan = { kind: 'joins', node, tokens, room, history, stallMs };
    const probe = watchStalls(node.port);
    const result = (await generate(plan, patienceMs + members * patienceMsPerMember)) as JoinsResult;
    const longestMs = await probe.stop();
    const { joinedMs, toldMs, cpuSeconds: cpu, generatorCpuSeconds: own, generatorWasLimit, megabytes } = result;
    return {
      figures: {
        'joined s': joinedMs / 1000,
        'told s': toldMs / 1000,
        'CPU s': cpu,
        'its CPU s': own,
        MB: megabytes,
        'longest stall ms': longestMs,
      },
      counts: { incomplete: result.incomplete, failed: result.failedConnections },
      notes: generatorNotes(generatorWasLimit, own, cpu),
      result,
    };
  });
}

export async function measureReturns(
  { members, rooms, rate, seconds, cutMs, signal }: ReturnsScenario,
  contestant: Contestant,
  flags: NodeFlags | undefined,
): Promise<Measured> {
  const port = await findQuietPort();
  let server = await contestant.start(cutMs === undefined ? undefined : flags, port);
  try {
    const tokens = await contestant.tokens(server, members);
    const names = await contestant.rooms(rooms);
    const plan: ReturnsPlan = {
      kind: 'returns',
      node: firstOf(server),
      members: tokens.map((token, index) => ({ token, room: names[index % names.length] ?? '' })),
      rate,
      seconds,
      cutMs,
      stallMs: returnStallMs,
    };
    const restart = async (): Promise<ServerNode> => {
      await server.stop(signal);
      server = await contestant.start(flags, port);
      return firstOf(server);
    };
    const deadlineMs = seconds * 1000 + patienceMs + members * patienceMsPerMember;
    return returned((await generate(plan, deadlineMs, restart)) as ReturnsResult);
  } finally {
    await server.stop();
  }
}

function returned(result: ReturnsResult): Measured {
  const { back, downMs, latencyMs, cpuSeconds: cpu, generatorCpuSeconds: own, generatorWasLimit, errors } = result;
  const { sent, delivered, lost, repeated, unsettled, missing, cuts, resumed, rejoined } = result;
  const { storedTwice, failedConnections: failed } = result;
  return {
    figures: {
      ...(back && {
        'down s': (downMs ?? 0) / 1000,
        'back p50 s': back.p50 / 1000,
        'back p95 s': back.p95 / 1000,
        'last back s': back.last / 1000,
        '% within 5 s': back.within5s * 100,
      }),
      'p50 ms': latencyMs.p50,
      'p99 ms': latencyMs.p99,
      'CPU s': cpu,
      'its CPU s': own,
    },
    counts: {
      sent,
      delivered,
      cuts,
      resumed,
      rejoined,
      lost,
      repeated,
      'stored twice': storedTwice,
      unsettled,
      missing,
      failed,
    },
    notes: [
      ...Object.entries(errors).map(([code, count]) => `${count} × ${code}`),
      // What a server had spent that was stopped is not known.
      ...generatorNotes(generatorWasLimit, own, back === undefined ? cpu : undefined),
    ],
    result,
  };
}

/** On a database that nobody else has: without a file, with what the first start has made, and with what was said since. */
export async function measureStart({ messages }: StartScenario, flags: NodeFlags | undefined): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'finchat-bench-'));
  const database = `sqlite://${folder}/start.sqlite`;
  try {
    const finchat = createFinchat(database, folder);
    const fresh = await measureOneStart(finchat, undefined);
    const existing = await measureOneStart(finchat, undefined);
    const [room = ''] = await finchat.rooms(1);
    const username = 'talker';
    await createAccounts(database, [username]);
    await fillRoom(database, room, username, messages);
    const full = await measureOneStart(finchat, flags);
    return {
      figures: {
        'fresh ms': fresh.ms,
        'fresh CPU ms': fresh.cpuMs,
        'existing ms': existing.ms,
        'existing CPU ms': existing.cpuMs,
        'full ms': full.ms,
        'full CPU ms': full.cpuMs,
      },
      counts: {},
      notes: [],
      result: { kind: 'start', fresh, existing, full },
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureOneStart(finchat: Contestant, flags: NodeFlags | undefined): Promise<Start> {
  const start = performance.now();
  const server = await finchat.start(flags);
  const ms = performance.now() - start;
  const cpu = cpuSeconds(firstOf(server).pid);
  await server.stop();
  return { ms, cpuMs: cpu && cpu * 1000 };
}

function firstOf({ nodes }: RunningServer): ServerNode {
  const [node] = nodes;
  if (node === undefined) throw new Error('A server without a node.');
  return node;
}

/** How long a request that was due took at most: as long as the server's loop did not come round. */
function watchStalls(port: number): { stop(): Promise<number> } {
  const stopping = new AbortController();
  let longest = 0;
  const watch = async (): Promise<void> => {
    while (!stopping.signal.aborted) {
      const start = performance.now();
      await fetch(`http://127.0.0.1:${port}/healthz`).then((response) => response.text());
      longest = Math.max(longest, performance.now() - start);
      await sleep(probeMs);
    }
  };
  // A server that is gone fails the run anyway.
  const watching = watch().catch(() => {});
  return {
    stop: async () => {
      stopping.abort();
      await watching;
      return longest;
    },
  };
}

async function findQuietPort(): Promise<number> {
  for (;;) {
    const port = quietPorts.from + Math.floor(Math.random() * (quietPorts.to - quietPorts.from));
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => resolve(true));
    });
    server.close();
    if (isFree) return port;
  }
}
