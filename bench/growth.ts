/** How cost grows with the work: one scenario for each step of each table. Most of them are loads like the others. */
import type { HistoryScenario, LoadScenario } from './scenarios.ts';

const usual = { transport: 'websocket', contestants: ['finchat'], targets: [] } as const;
const load = { ...usual, kind: 'load', rooms: 1, window: 8, size: 64 } as const;

const members = [10, 100, 1_000, 10_000].map(
  (count): LoadScenario => ({
    ...load,
    group: 'growth-members',
    name: `growth-members-${count}`,
    what: `1 room of ${count}, 8 messages in flight`,
    members: count,
  }),
);

/** Few enough that one room alone keeps up, and enough to be measured. */
const rate = 1_000;
const rooms = [1, 10, 100, 1_000, 10_000].map(
  (count): LoadScenario => ({
    ...load,
    group: 'growth-rooms',
    name: `growth-rooms-${count}`,
    what: `a member alone in each of ${count} rooms, ${rate} messages a second in all`,
    members: count,
    rooms: count,
    rate,
  }),
);

const senders = [1, 10, 100, 1_000].map(
  (count): LoadScenario => ({
    ...load,
    group: 'growth-senders',
    name: `growth-senders-${count}`,
    what: `1 room of 1,000 of whom ${count} speak, 8 messages in flight`,
    members: 1_000,
    senders: count,
  }),
);

/** Each step finds the messages of the one before. */
const history = [0, 1_000, 10_000, 100_000, 1_000_000].map(
  (count): HistoryScenario => ({
    ...usual,
    kind: 'history',
    group: 'growth-history',
    name: `growth-history-${count}`,
    what: `a room with ${count} stored messages`,
    members: 1,
    rooms: 1,
    messages: count,
    contestants: ['finchat', 'finchat-postgres'],
  }),
);

export const growth: readonly (LoadScenario | HistoryScenario)[] = [...members, ...rooms, ...history, ...senders];
