/** All contestants by name. One that needs what is not installed here says why it cannot run. */
import { bareNames, createBare, isBare } from './bare.ts';
import type { Contestant } from './contestant.ts';
import { createFinchat } from './finchat.ts';
import { createNchan, isNchan, nchanNames, whyNoNchan } from './nchan.ts';
import type { Transport } from './plan.ts';
import { type World, whyMissing } from './world.ts';

export type Contestants = {
  /** The same one each time, so that its accounts are made once. Rejects for a name that is not known. */
  get(name: string): Promise<Contestant>;
};

/** Those that can carry a load over a transport. */
export function namesFor(transport: Transport): string[] {
  return ['finchat', 'finchat-postgres', ...bareNames(transport), ...nchanNames(transport)];
}

/** Why a contestant cannot run here; undefined: it can. */
export function whyNot(name: string): string | undefined {
  if (isNchan(name)) return whyNoNchan();
  const isCluster = name.startsWith('cluster-');
  if (isCluster || name === 'finchat-postgres')
    return whyMissing.postgres() ?? (isCluster ? whyMissing.redis() : undefined);
  return undefined;
}

export function createContestants(world: World): Contestants {
  const known = new Map<string, Promise<Contestant>>();
  const get = (name: string): Promise<Contestant> => {
    const contestant = known.get(name) ?? make(name);
    known.set(name, contestant);
    return contestant;
  };
  const make = async (name: string): Promise<Contestant> => {
    if (isBare(name)) return createBare(name);
    if (isNchan(name)) return createNchan(name, world.folder);
    if (name === 'finchat') return createFinchat(`sqlite://${world.folder}/bench.sqlite`, world.folder);
    if (name === 'finchat-resumable') {
      // Nobody acknowledges what such a session gets: it is for connections that do nothing.
      const meaning = 'finchat serve, sessions that outlive their connections';
      return { ...(await get('finchat')), name, meaning, wire: 'websocket-resumable' };
    }
    const postgres = await world.postgres();
    if (name === 'finchat-postgres')
      return { ...createFinchat(postgres.url, world.folder), name, helpers: [postgres.helper] };
    const nodes = /^cluster-(\d+)$/.exec(name)?.[1];
    if (nodes === undefined) throw new Error(`There is no contestant ${name}.`);
    const redis = await world.redis();
    const cluster = createFinchat(postgres.url, world.folder, { nodes: Number(nodes), redisUrl: redis.url });
    return { ...cluster, helpers: [postgres.helper, redis.helper] };
  };
  return { get };
}
