import test from 'ava';
import { createEmitter } from './emitter.ts';

type Events = { tick: number };

test('listeners are called in the order they were added, until they are removed', (t) => {
  const emitter = createEmitter<Events>(() => t.fail());
  const seen: string[] = [];
  const remove = emitter.on('tick', (n) => seen.push(`a${n}`));
  emitter.on('tick', (n) => seen.push(`b${n}`));
  emitter.emit('tick', 1);
  remove();
  emitter.emit('tick', 2);
  t.deepEqual(seen, ['a1', 'b1', 'b2']);
});

test('a listener that throws or rejects is reported, and the others are called', async (t) => {
  const reports: unknown[] = [];
  const emitter = createEmitter<Events>((error) => reports.push(error));
  let called = false;
  emitter.on('tick', () => {
    throw new Error('thrown');
  });
  emitter.on('tick', () => Promise.reject(new Error('rejected')) as unknown as undefined);
  emitter.on('tick', () => {
    called = true;
  });
  emitter.emit('tick', 1);
  await Promise.resolve();
  await Promise.resolve();
  t.true(called);
  t.deepEqual(
    reports.map((error) => (error as Error).message),
    ['thrown', 'rejected'],
  );
});

test('a listener added while an event is told hears the next one', (t) => {
  const emitter = createEmitter<Events>(() => t.fail());
  let late = 0;
  const remove = emitter.on('tick', () => {
    emitter.on('tick', () => {
      late += 1;
    });
  });
  emitter.emit('tick', 1);
  t.is(late, 0);
  remove();
  emitter.emit('tick', 2);
  t.is(late, 1);
});
