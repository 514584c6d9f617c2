/** What the server does at this moment, as administrators see it: put together when somebody asks. */
import type { Cluster } from './cluster/cluster.ts';
import type { Chat } from './core/chat.ts';
import type { Rates } from './core/rates.ts';
import type { Problems } from './problems.ts';
import type { Now } from './protocol/admin.ts';

export type NowSources = {
  version: string;
  database: string;
  redis: () => Now['redis'];
  /** Undefined: the server is alone. */
  cluster: Pick<Cluster, 'node' | 'living'> | undefined;
  /** Milliseconds since the epoch. */
  startedAt: number;
  chat: { sessions: Pick<Chat['sessions'], 'all'>; hub: Pick<Chat['hub'], 'size'> };
  rates: Rates;
  problems: Problems;
};

export function createNow(sources: NowSources): () => Now {
  const { version, database, redis, cluster, startedAt, chat, rates, problems } = sources;
  return () => {
    const sessions = { websocket: 0, sse: 0, poll: 0, detached: 0 };
    for (const session of chat.sessions.all()) sessions[session.transportKind] += 1;
    const { messagesPerSecond, deliveriesPerSecond } = rates.now();
    const { rss, heapUsed, heapTotal } = process.memoryUsage();
    return {
      version,
      node_version: process.version,
      database,
      redis: redis(),
      node: cluster?.node ?? null,
      nodes: cluster?.living ?? 1,
      started_at: new Date(startedAt).toISOString(),
      sessions,
      live_rooms: chat.hub.size,
      messages_per_second: rounded(messagesPerSecond),
      deliveries_per_second: rounded(deliveriesPerSecond),
      memory: { rss, heap_used: heapUsed, heap_total: heapTotal },
      problems: problems.newest(),
    };
  };
}

function rounded(perSecond: number): number {
  return Math.round(perSecond * 100) / 100;
}
