/** Feeds the metrics: what the chat counts is read when somebody asks, and each commit is timed. */
import type { Chat } from './core/chat.ts';
import type { Storage } from './core/ports.ts';
import type { Metrics } from './http/metrics.ts';

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
