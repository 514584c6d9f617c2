/** Feeds the metrics: what the chat counts is read when somebody asks, and each commit is timed. */
import type { Cluster } from './cluster/cluster.ts';
import type { Chat } from './core/chat.ts';
import type { Storage } from './core/ports.ts';
import type { ClusterMetrics, Metrics } from './http/metrics.ts';

/** Brings the metrics up to date with the chat's own counters. */
export function watchChat(chat: Chat, metrics: Metrics): () => void {
  const seen = { stored: 0, delivered: 0, resumed: 0, notResumed: 0 };
  const errors = new Map<string, number>();
  return () => {
    metrics.sessions.reset();
    for (const session of chat.sessions.all()) metrics.sessions.inc({ transport: session.transportKind });
    metrics.rooms.set(chat.hub.size);
    metrics.messagesStored.inc(chat.counters.stored - seen.stored);
    metrics.deliveries.inc(chat.counters.delivered - seen.delivered);
    metrics.resumes.inc({ outcome: 'resumed' }, chat.counters.resumed - seen.resumed);
    metrics.resumes.inc({ outcome: 'refused' }, chat.counters.notResumed - seen.notResumed);
    seen.resumed = chat.counters.resumed;
    seen.notResumed = chat.counters.notResumed;
    seen.stored = chat.counters.stored;
    seen.delivered = chat.counters.delivered;
    for (const [code, count] of chat.counters.errors) {
      metrics.errors.inc({ code }, count - (errors.get(code) ?? 0));
      errors.set(code, count);
    }
  };
}

/** Brings the metrics up to date with what the cluster counts. */
export function watchCluster(cluster: Cluster, chat: Chat, metrics: ClusterMetrics): () => void {
  const { bus, questions, moves } = cluster.counts;
  const raise = (count: (total: number) => void): ((total: number) => void) => {
    let seen = 0;
    return (total) => {
      count(total - seen);
      seen = total;
    };
  };
  const published = raise((more) => metrics.published.inc({ outcome: 'handed' }, more));
  const lost = raise((more) => metrics.published.inc({ outcome: 'lost' }, more));
  const heard = raise((more) => metrics.heard.inc(more));
  const answered = raise((more) => metrics.questions.inc({ outcome: 'answered' }, more));
  const silent = raise((more) => metrics.questions.inc({ outcome: 'silent' }, more));
  const fenced = raise((more) => metrics.fenced.inc(more));
  const moved = Object.keys(moves).map((outcome) => {
    const count = raise((more) => metrics.moves.inc({ outcome }, more));
    return () => count(moves[outcome as keyof typeof moves]);
  });
  return () => {
    metrics.nodes.set(cluster.living);
    metrics.busHealthy.set(cluster.isHealthy() ? 1 : 0);
    metrics.waiting.set(chat.hub.backlog);
    published(bus.handed);
    lost(bus.lost);
    heard(bus.heard);
    answered(questions.answered);
    silent(questions.silent);
    fenced(cluster.counts.fenced);
    for (const count of moved) count();
  };
}

/** The storage, its commits counted and timed. */
export function watchCommits(storage: Storage, metrics: Metrics): Storage {
  const { messages } = storage;
  const append: typeof messages.append = async (batch, node) => {
    const stop = metrics.commitSeconds.startTimer();
    try {
      return await messages.append(batch, node);
    } finally {
      stop();
      metrics.commitBatchSize.observe(batch.length);
    }
  };
  return Object.create(storage, { messages: { value: Object.create(messages, { append: { value: append } }) } });
}
