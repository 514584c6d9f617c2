/** One run of one scenario against one contestant: its server, started and stopped, and the generator beside it. */
import { fileURLToPath } from 'node:url';
import type { Contestant, NodeFlags, RunningServer } from './contestant.ts';
import type { Answer, IdlePlan, IdleResult, LoadPlan, LoadResult, Plan, Result } from './plan.ts';
import { generatorCore, profileFlags, startNode } from './processes.ts';
import type { IdleScenario, LoadScenario, Scenario } from './scenarios.ts';

/** `settleMs`: until the memory of a server that has nothing to do is read. */
export type Times = { seconds: number; warmUpMs: number; settleMs: number };

/** What one run says. The names of figures and counts are the heads of the table. */
export type Measured = {
  /** Of several runs the median counts. */
  figures: Record<string, number | undefined>;
  /** Of several runs the sum counts. */
  counts: Record<string, number>;
  /** What must be known to read them. */
  notes: string[];
  /** Undefined: the run failed, and a note says why. */
  result: Result | undefined;
};

const collectFlags = ['--expose-gc', '--import', new URL('./collect-on-signal.js', import.meta.url).href];
const stallMs = 5_000;
// Beside the measured time: opening, joining, draining, each with deadlines of its own. Opening takes a millisecond or
// less on a machine that has time for it.
const patienceMs = 120_000;
const patienceMsPerMember = 20;

/** `profile`: the file for the CPU profile of a server on Node. */
export function measure(
  scenario: Scenario,
  contestant: Contestant,
  times: Times,
  profile: string | undefined,
): Promise<Measured> {
  const flags: NodeFlags = (node) => (profile === undefined ? [] : profileFlags(profile, node));
  if (scenario.kind === 'load') return measureLoad(scenario, contestant, times, flags);
  return measureIdle(scenario, contestant, times, flags);
}

/** What has been made for a contestant so far. */
export type Prepared = Map<Contestant, { members: number; rooms: number }>;

/** Makes accounts and rooms, on a run of the server that is not measured: their cost is not the scenario's. */
export async function prepare(scenario: Scenario, contestant: Contestant, prepared: Prepared): Promise<void> {
  const made = prepared.get(contestant) ?? { members: 0, rooms: 0 };
  const members = Math.max(made.members, scenario.members);
  const rooms = Math.max(made.rooms, scenario.kind === 'load' ? scenario.rooms : 0);
  if (members === made.members && rooms === made.rooms) return;
  await withServer(contestant, undefined, async (server) => {
    await contestant.tokens(server, members);
    await contestant.rooms(rooms);
  });
  prepared.set(contestant, { members, rooms });
}

async function measureLoad(
  { transport, members, rooms, window, rate, size }: LoadScenario,
  contestant: Contestant,
  { seconds, warmUpMs }: Times,
  flags: NodeFlags,
): Promise<Measured> {
  const result = await withServer(contestant, flags, async (server) => {
    const tokens = await contestant.tokens(server, members);
    const names = await contestant.rooms(rooms);
    const plan: LoadPlan = {
      kind: 'load',
      // Sessions that can be resumed, as the SDK asks for them; to bare servers it is one word more in the target.
      transport: contestant.wire ?? (transport === 'websocket' ? 'websocket-resumable' : transport),
      nodes: server.nodes,
      helpers: contestant.helpers ?? [],
      // Each room's members are on all nodes.
      members: tokens.map((token, index) => ({
        token,
        room: names[index % names.length] ?? '',
        node: Math.floor(index / names.length) % server.nodes.length,
      })),
      window,
      rate,
      size,
      warmUpMs,
      measureMs: seconds * 1000,
      stallMs,
    };
    return (await generate(plan, warmUpMs + seconds * 1000 + patienceMs + members * patienceMsPerMember)) as LoadResult;
  });
  return { figures: loadFigures(result), counts: loadCounts(result), notes: loadNotes(result), result };
}

function loadFigures(result: LoadResult): Measured['figures'] {
  const nodes = result.nodeCpuPerMessageUs ?? [];
  const helpers = Object.entries(result.helperCpuPerMessageUs);
  const name = (index: number): string => (nodes.length === 1 ? 'server' : `node ${index + 1}`);
  const perMessage = [...nodes.map((us, index) => [name(index), us] as const), ...helpers];
  return {
    'deliveries/s': result.deliveriesPerSecond,
    'messages/s': result.messagesPerSecond,
    'p50 ms': result.latencyMs.p50,
    'p99 ms': result.latencyMs.p99,
    'CPU s/million': result.serverCpuPerMillion,
    'server CPU %': percent(result.serverCpuShare),
    'generator CPU %': percent(result.generatorCpuShare),
    'its s/million': result.generatorCpuPerMillion,
    // One process alone says it in CPU for a million.
    ...(perMessage.length > 1 && Object.fromEntries(perMessage.map(([who, us]) => [`${who} µs/message`, us]))),
  };
}

function loadCounts({ lost, failedConnections }: LoadResult): Measured['counts'] {
  return { lost, failed: failedConnections };
}

function loadNotes(result: LoadResult): string[] {
  const { generatorWasLimit, generatorCpuPerMillion = 0, serverCpuPerMillion, fault, errors } = result;
  const notes = Object.entries(errors).map(([code, count]) => `${count} × ${code}`);
  if (generatorWasLimit) notes.push('the generator had no time left: the server might do more');
  else if (serverCpuPerMillion !== undefined && generatorCpuPerMillion > serverCpuPerMillion)
    notes.push('the generator cost more than the server');
  if (fault !== undefined) notes.push(`ended early, ${fault}`);
  return notes;
}

async function measureIdle(
  { transport, members }: IdleScenario,
  contestant: Contestant,
  { settleMs }: Times,
  flags: NodeFlags,
): Promise<Measured> {
  const { helpers = [], wire = transport, isNode } = contestant;
  const result = await withServer(
    contestant,
    (node) => [...collectFlags, ...flags(node)],
    async (server) => {
      const tokens = await contestant.tokens(server, members);
      const { nodes } = server;
      const plan: IdlePlan = { kind: 'idle', transport: wire, nodes, helpers, tokens, settleMs, collects: isNode };
      return (await generate(plan, patienceMs + members * patienceMsPerMember)) as IdleResult;
    },
  );
  const { helperCpuPerConnectUs, failedConnections } = result;
  const ofHelpers = Object.entries(helperCpuPerConnectUs).map(([name, us]) => [`${name} µs/connect`, us] as const);
  return {
    figures: {
      connections: result.connections,
      'connects/s': result.connectsPerSecond,
      'KB each': result.rssPerConnectionKb,
      'CPU µs/connect': result.serverCpuPerConnectUs,
      ...Object.fromEntries(ofHelpers),
    },
    counts: { failed: failedConnections },
    notes: [],
    result,
  };
}

function percent(share: number | undefined): number | undefined {
  return share && share * 100;
}

async function withServer<T>(
  contestant: Contestant,
  flags: NodeFlags | undefined,
  use: (server: RunningServer) => Promise<T>,
): Promise<T> {
  const server = await contestant.start(flags);
  try {
    return await use(server);
  } finally {
    await server.stop();
  }
}

/** Has the generator, a process of its own, carry out a plan. */
function generate(plan: Plan, deadlineMs: number): Promise<Result> {
  const script = fileURLToPath(new URL('./generator.js', import.meta.url));
  const child = startNode(generatorCore, [script], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  return new Promise<Result>((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`The generator was not done within ${deadlineMs} ms.`));
      child.kill('SIGKILL');
    }, deadlineMs);
    child.once('message', (answer: Answer) => {
      if ('result' in answer) resolve(answer.result);
      else reject(new Error(answer.failure));
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      clearTimeout(timer);
      reject(new Error(`The generator ended with ${code} and no result.`));
    });
    child.send(plan);
  });
}
