import test from 'ava';
import type { HistoryEntry } from '../../../client/index.ts';
import type { MessageItem } from './model.ts';
import { type Outgoing, Timeline } from './timeline.ts';

const stamp = '2026-01-02 03:04:05';

function entry(id: number, body = `m${id}`, you = false): HistoryEntry {
  return { id, stamp, user: you ? 'me' : 'ann', you, body };
}

function outgoing(ref: string, body: string): Outgoing {
  const delivery = { state: 'pending' } as const;
  const item: MessageItem = {
    kind: 'message',
    key: `o${ref}`,
    at: 1,
    user: 'me',
    you: true,
    id: undefined,
    body,
    isMention: false,
    delivery,
  };
  return { ref, item };
}

const command = (ref: string, name: string, payload: string): Outgoing => ({
  ref,
  item: {
    kind: 'command',
    key: `o${ref}`,
    at: 1,
    user: 'me',
    you: true,
    command: name,
    payload,
    delivery: { state: 'pending' },
  },
});

const make = (): Timeline => new Timeline((body) => body.includes('me'));

function texts(timeline: Timeline): string[] {
  return timeline.items.value.map((item) => {
    if (item.kind === 'message') return `${item.body}${item.delivery.state === 'sent' ? '' : '?'}`;
    return item.kind === 'command' ? `/${item.command}${item.delivery.state === 'sent' ? '' : '?'}` : item.kind;
  });
}

/** Keys must be unique whatever happens. */
function assertKeys(t: { is(a: unknown, b: unknown): void }, timeline: Timeline): void {
  const keys = timeline.items.value.map(({ key }) => key);
  t.is(new Set(keys).size, keys.length);
}

test('messages stand by their ids, live events where they came', (t) => {
  const timeline = make();
  timeline.replace([entry(3), entry(2)], true);
  timeline.showPresence('joined', 'bob', false, stamp);
  timeline.show(entry(5));
  timeline.show(entry(4));
  t.deepEqual(texts(timeline), ['m2', 'm3', 'joined', 'm4', 'm5']);
  t.is(timeline.show(entry(4)), undefined);
  t.is(timeline.items.value.length, 5);
  assertKeys(t, timeline);
});

test('older messages are put before', (t) => {
  const timeline = make();
  timeline.replace([entry(5), entry(4)], true);
  timeline.prepend({ messages: [entry(3), entry(2)], more: false }, 4);
  t.deepEqual(texts(timeline), ['m2', 'm3', 'm4', 'm5']);
  t.is(timeline.oldestId, 2);
  t.false(timeline.hasOlder.value);
});

test('older messages that come after the oldest were let go leave no hole', (t) => {
  const timeline = make();
  timeline.replace([entry(7), entry(6), entry(5)], true);
  timeline.trim(2);
  t.deepEqual(texts(timeline), ['m7']);
  timeline.prepend({ messages: [entry(4), entry(3)], more: false }, 5);
  t.deepEqual(texts(timeline), ['m7']);
  t.true(timeline.hasOlder.value);
});

test('a message of one’s own settles by its echo, and the answer changes nothing more', (t) => {
  const timeline = make();
  timeline.add(outgoing('r1', 'hi'));
  timeline.add(outgoing('r2', 'hi'));
  timeline.show(entry(1));
  t.deepEqual(texts(timeline), ['m1', 'hi?', 'hi?']);
  timeline.noteEcho(2, 'r2');
  timeline.show(entry(2, 'hi', true));
  t.deepEqual(
    timeline.items.value.map(({ key }) => key),
    ['m1', 'or2', 'or1'],
  );
  timeline.settle('r2', 2, stamp);
  t.deepEqual(texts(timeline), ['m1', 'hi', 'hi?']);
  assertKeys(t, timeline);
});

test('a message of one’s own settles by its answer, and its echo changes nothing more', (t) => {
  const timeline = make();
  timeline.add(outgoing('r1', 'hi'));
  timeline.settle('r1', 7, stamp);
  timeline.show(entry(6));
  timeline.show(entry(7, 'hi', true));
  t.deepEqual(texts(timeline), ['m6', 'hi']);
  t.is(timeline.items.value[1]?.key, 'or1');
});

test('a message of one’s own that is caught up with is not shown beside itself', (t) => {
  const timeline = make();
  timeline.add(outgoing('r1', 'hi'));
  timeline.show(entry(7, 'hi', true));
  t.deepEqual(texts(timeline), ['hi']);
  timeline.settle('r1', 7, stamp);
  t.deepEqual(texts(timeline), ['hi']);
});

test('an answer about a message that is long shown lets go of the one that waits', (t) => {
  const timeline = make();
  timeline.replace([entry(8), entry(7, 'hi', true)], false);
  timeline.add(outgoing('r1', 'hi'));
  timeline.settle('r1', 7, stamp);
  t.deepEqual(texts(timeline), ['hi', 'm8']);
});

test('an answer about a message that is older than what is shown leaves it to the history', (t) => {
  const timeline = make();
  timeline.replace([entry(9), entry(8)], true);
  timeline.add(outgoing('r1', 'hi'));
  timeline.settle('r1', 3, stamp);
  t.deepEqual(texts(timeline), ['m8', 'm9']);
  timeline.prepend({ messages: [entry(7), entry(3, 'hi', true)], more: false }, 8);
  t.deepEqual(texts(timeline), ['hi', 'm7', 'm8', 'm9']);
});

test('a command of one’s own settles by its echo', (t) => {
  const timeline = make();
  timeline.add(command('r1', 'stock', 'wig'));
  timeline.add(command('r2', 'stock', 'aapl'));
  timeline.showCommand({ user: 'ann', you: false, stamp, command: 'stock', payload: 'aapl' });
  timeline.showCommand({ user: 'me', you: true, stamp, command: 'stock', payload: 'aapl' });
  t.deepEqual(
    timeline.items.value.map(({ key }) => key),
    ['l1', 'or2', 'or1'],
  );
});

test('what is sent fails, is sent again and is given up', (t) => {
  const timeline = make();
  timeline.add(outgoing('r1', 'hi'));
  timeline.change('or1', { state: 'failed', why: 'no' });
  t.like(timeline.items.value[0], { delivery: { state: 'failed', why: 'no' } });
  timeline.change('or1', { state: 'pending' }, 'r2');
  t.is(timeline.outgoing[0]?.ref, 'r2');
  timeline.discard('or1');
  t.deepEqual(texts(timeline), []);
});

test('a deleted message leaves a mark with its key', (t) => {
  const timeline = make();
  timeline.replace([entry(2), entry(1)], false);
  t.like(timeline.delete(1), { kind: 'deleted', id: 1, user: 'ann', key: 'm1' });
  t.is(timeline.delete(1), undefined);
  t.is(timeline.delete(9), undefined);
  t.deepEqual(texts(timeline), ['deleted', 'm2']);
  t.is(timeline.show(entry(1)), undefined);
  t.is(timeline.oldestId, 1);
});

test('messages that are gone from the history become marks, within what was read of it', (t) => {
  const timeline = make();
  timeline.replace(
    [6, 5, 4, 3, 2, 1].map((id) => entry(id)),
    false,
  );
  timeline.reconcile(new Set([3, 5]), 3, 5);
  t.deepEqual(texts(timeline), ['m1', 'm2', 'm3', 'deleted', 'm5', 'm6']);
});

test('only others can mention somebody', (t) => {
  const timeline = make();
  t.like(timeline.show(entry(1, 'me!')), { isMention: true });
  t.like(timeline.show(entry(2, 'me!', true)), { isMention: false });
});

test('of too many items the oldest are let go of, and can be had again', (t) => {
  const timeline = make();
  const max = 100;
  const many = Array.from({ length: max }, (_, index) => entry(max - index));
  timeline.replace(many, false);
  timeline.trim(max);
  t.false(timeline.hasOlder.value);
  timeline.show(entry(max + 1));
  timeline.trim(max);
  t.true(timeline.hasOlder.value);
  t.is(timeline.items.value.length, max * 0.9);
  t.is(timeline.items.value.at(-1)?.key, `m${max + 1}`);
});

test('what a reload takes along is shown as before, and goes on without a key twice', (t) => {
  const timeline = make();
  timeline.replace([entry(2), entry(1)], false);
  timeline.showPresence('joined', 'bob', false, stamp);
  timeline.showPresence('parted', 'bob', false, stamp);
  timeline.add(outgoing('r1', 'hi'));
  const next = make();
  next.restore(JSON.parse(JSON.stringify(timeline.save(2))));
  t.deepEqual(texts(next), ['joined', 'parted', 'hi?']);
  t.true(next.hasOlder.value);
  next.showPresence('joined', 'bob', false, stamp);
  next.showPresence('parted', 'bob', false, stamp);
  assertKeys(t, next);
  next.settle('r1', 3, stamp);
  t.deepEqual(texts(next), ['joined', 'parted', 'joined', 'parted', 'hi']);
});
