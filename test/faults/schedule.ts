/**
 * The seeded schedule of what befalls a cluster: steps one after the other, each with its healing and some peace after
 * it, at times with a second trouble beside it. At most one node is away at a time, and one is spared altogether. Only
 * plans; `perform.ts` does it.
 */
import type { Random } from '../fuzz/random.ts';
import type { Link } from '../support/cluster-processes.ts';
import type { Direction } from '../support/tcp-proxy.ts';

export type Act =
  | { kind: 'kill' | 'terminate' | 'pause'; node: number; forMs: number }
  | { kind: 'redis away' | 'postgres crashed' | 'postgres halted'; forMs: number }
  | { kind: 'link'; node: number; link: Link; how: 'cut' | 'refuse' | 'delay' | `stall ${Direction}`; forMs: number };

export type Step = {
  /** Milliseconds from the begin of the chaos; later where the step before took longer. */
  at: number;
  main: Act;
  /** Begins so many milliseconds after the main one. */
  beside?: { afterMs: number; act: Act };
};

export type Plan = { spared: number; steps: readonly Step[] };

/** Shorter than the lease mostly, longer at times: both must be met. */
const awayMs = { least: 300, most: 7000 };
/** Peace after a step: mostly too short for all to heal, at times so long that nothing is excused any more. */
const peaceMs = { least: 1500, most: 9000, long: 20_000 };

export function makePlan(random: Random, options: { nodes: number; durationMs: number }): Plan {
  const { nodes, durationMs } = options;
  const spared = random.int(0, nodes - 1);
  const others = Array.from({ length: nodes }, (_, n) => n).filter((n) => n !== spared || nodes === 1);
  const steps: Step[] = [];
  for (let at = random.int(1500, 4000); at < durationMs - 2000; ) {
    const main = drawAct(random, others);
    const step: Step = { at, main };
    if (main.kind !== 'link' && random.chance(0.25)) {
      const afterMs = random.int(0, main.forMs);
      step.beside = { afterMs, act: 'node' in main ? drawService(random) : drawLink(random, others) };
    }
    steps.push(step);
    at += Math.max(main.forMs, (step.beside?.afterMs ?? 0) + (step.beside?.act.forMs ?? 0));
    at += random.chance(0.15) ? peaceMs.long : random.int(peaceMs.least, peaceMs.most);
  }
  return { spared, steps };
}

function drawAct(random: Random, nodes: readonly number[]): Act {
  const what = random.weighted({ kill: 22, terminate: 18, pause: 18, service: 22, link: 20 });
  if (what === 'service') return drawService(random);
  if (what === 'link') return drawLink(random, nodes);
  return { kind: what, node: random.pick(nodes), forMs: random.int(awayMs.least, awayMs.most) };
}

function drawService(random: Random): Act {
  const kind = random.weighted({ 'redis away': 60, 'postgres crashed': 20, 'postgres halted': 20 });
  return { kind, forMs: random.int(awayMs.least, awayMs.most) };
}

function drawLink(random: Random, nodes: readonly number[]): Act {
  const link = random.weighted({ redis: 45, postgres: 30, door: 25 });
  const how = random.weighted({ cut: 25, refuse: 20, delay: 15, 'stall both': 20, 'stall up': 10, 'stall down': 10 });
  return { kind: 'link', node: random.pick(nodes), link, how, forMs: random.int(awayMs.least, awayMs.most) };
}

/** Whether some node is without its database at some time. */
export function breaksDatabase({ steps }: Plan): boolean {
  const acts = steps.flatMap(({ main, beside }) => (beside === undefined ? [main] : [main, beside.act]));
  return acts.some((act) => act.kind.startsWith('postgres') || (act.kind === 'link' && act.link === 'postgres'));
}

export function describe(act: Act): string {
  const time = `for ${(act.forMs / 1000).toFixed(1)} s`;
  if (act.kind === 'link') return `node ${act.node} and its ${act.link}: ${act.how} ${time}`;
  return 'node' in act ? `${act.kind} node ${act.node} ${time}` : `${act.kind} ${time}`;
}

export function describePlan({ spared, steps }: Plan): string {
  const lines = steps.map(({ at, main, beside }) => {
    const also = beside === undefined ? '' : `; ${(beside.afterMs / 1000).toFixed(1)} s later ${describe(beside.act)}`;
    return `  ${(at / 1000).toFixed(1).padStart(7)} ${describe(main)}${also}`;
  });
  return [`node ${spared} is spared`, ...lines].join('\n');
}
