/** One run of one scenario against one contestant: its server, started and stopped, and the generator beside it. */
import type { Contestant, NodeFlags } from './contestant.ts';
import { generate, patienceMs, patienceMsPerMember, withServer } from './drive.ts';
import { measureJoins, measureReturns, measureStart } from './herd-measure.ts';
import { measureHistory } from './history.ts';
import { generatorNotes, type Measured } from './measured.ts';
import type { IdlePlan, IdleResult, LoadPlan, LoadResult } from './plan.ts';
import { profileFlags } from './processes.ts';
import type { IdleScenario, LoadScenario, Scenario } from './scenarios.ts';

/** `settleMs`: until the memory of a server that has nothing to do is read. */
export type Times = { seconds: number; warmUpMs: number; settleMs: number };

const collectFlags = ['--expose-gc', '--import', new URL('./collect-on-signal.js', import.meta.url).href];
const stallMs = 5_000;

/** `profile`: the file for the CPU profile of a server on Node. */
export function measure(
  scenario: Scenario,
  contestant: Contestant,
  times: Times,
  profile: string | undefined,
): Promise<Measured> {
  const flags: NodeFlags = (node) => (profile === undefined ? [] : profileFlags(profile, node));
  switch (scenario.kind) {
    case 'load':
      return measureLoad(scenario, contestant, times, flags);
    case 'idle':
      return measureIdle(scenario, contestant, times, flags);
    case 'joins':
      return measureJoins(scenario, contestant, flags);
    case 'returns':
      return measureReturns(scenario, contestant, flags);
    case 'history':
      return measureHistory(scenario, contestant, flags);
    default:
      return measureStart(scenario, flags);
  }
}

/** What has been made for a contestant so far. */
export type Prepared = Map<Contestant, { members: number; rooms: number }>;

/** Makes accounts and rooms, on a run of the server that is not measured: their cost is not the scenario's. */
export async function prepare(scenario: Scenario, contestant: Contestant, prepared: Prepared): Promise<void> {
  const made = prepared.get(contestant) ?? { members: 0, rooms: 0 };
  const members = Math.max(made.members, scenario.members);
  const rooms = Math.max(made.rooms, 'rooms' in scenario ? scenario.rooms : 0);
  if (members === made.members && rooms === made.rooms) return;
  await withServer(contestant, undefined, async (server) => {
    await contestant.tokens(server, members);
    await contestant.rooms(rooms);
  });
  prepared.set(contestant, { members, rooms });
}

async function measureLoad(
  { transport, members, rooms, window, rate, size, senders = members }: LoadScenario,
  contestant: Contestant,
  { seconds, warmUpMs }: Times,
  flags: NodeFlags,
): Promise<Measured> {
  const result = await withServer(contestant, flags, async (server) => {
    const tokens = await contestant.tokens(server, members);
    const names = await contestant.rooms(rooms);
    const plan: LoadPlan = {
      kind: 'load',
      // Sessions of finchat that can be resumed, as the SDK asks for them.
      transport: contestant.wire ?? (transport === 'websocket' ? 'websocket-resumable' : transport),
      nodes: server.nodes,
      helpers: contestant.helpers ?? [],
      // Each room's members are on all nodes.
      members: tokens.map((token, index) => ({
        token,
        room: names[index % names.length] ?? '',
        node: Math.floor(index / names.length) % server.nodes.length,
        isListener: index >= senders,
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
  // One that ended early says what went wrong, and nothing of the speed.
  const figures = result.fault === undefined ? loadFigures(result) : {};
  return { figures, counts: loadCounts(result), notes: loadNotes(result), result };
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
  const { generatorWasLimit, generatorCpuPerMillion, serverCpuPerMillion, fault, errors } = result;
  const notes = Object.entries(errors).map(([code, count]) => `${count} × ${code}`);
  notes.push(...generatorNotes(generatorWasLimit, generatorCpuPerMillion, serverCpuPerMillion));
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
  const { serverCpuPerConnectUs: serverUs, generatorCpuPerConnectUs: ownUs } = result;
  const ofHelpers = Object.entries(helperCpuPerConnectUs).map(([name, us]) => [`${name} µs/connect`, us] as const);
  return {
    figures: {
      connections: result.connections,
      'connects/s': result.connectsPerSecond,
      'KB each': result.rssPerConnectionKb,
      'CPU µs/connect': serverUs,
      'its µs/connect': ownUs,
      ...Object.fromEntries(ofHelpers),
    },
    counts: { failed: failedConnections },
    notes: generatorNotes(result.generatorWasLimit, ownUs, serverUs),
    result,
  };
}

function percent(share: number | undefined): number | undefined {
  return share && share * 100;
}
