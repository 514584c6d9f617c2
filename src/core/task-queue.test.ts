import test from 'ava';
import { limits } from '../protocol/limits.ts';
import type { TaskExport } from './session-state.ts';
import { type Task, TaskQueue } from './task-queue.ts';

const message = { type: 'message', room_name: 'friends', body: 'x' } as const;
const list = { type: 'list' } as const;
const answer = { type: 'answer', frame: { bytes: Buffer.alloc(0) } } as const;

/** A queue whose lists take until they are told to end; `mayRun` as it is, or always. */
function openQueue(mayRun: (task: Task) => boolean = () => true): {
  queue: TaskQueue;
  ran: string[];
  endList: () => Promise<void>;
} {
  const ran: string[] = [];
  let finish: () => void = () => {};
  const runTask = (task: Task): Promise<void> | undefined => {
    ran.push(task.type);
    if (task.type !== 'list') return undefined;
    return new Promise((resolve) => {
      finish = resolve;
    });
  };
  const queue = new TaskQueue({ runTask, mayRunTask: mayRun });
  const endList = async (): Promise<void> => {
    finish();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { queue, ran, endList };
}

test('messages do not wait for outcomes of the log, everything else does', (t) => {
  const { queue, ran } = openQueue();
  queue.add(message);
  const outcomes = [queue.beginAppend(), queue.beginAppend()];
  for (const task of [message, answer, message, { type: 'help' } as const, message]) queue.add(task);
  t.deepEqual(ran, ['message', 'message']);
  t.true(queue.isAppending);
  outcomes[0]?.();
  t.is(ran.length, 2);
  outcomes[1]?.();
  t.deepEqual(ran.slice(2), ['answer', 'message', 'help', 'message']);
  t.false(queue.isAppending);
});

test('what a message leaves to be done comes before what was sent after it', (t) => {
  const ran: string[] = [];
  const queue: TaskQueue = new TaskQueue({
    runTask(task) {
      ran.push(task.type === 'message' ? task.body : task.type);
      if (task.type === 'message' && task.body === 'empty') queue.addNext(answer);
      return undefined;
    },
    mayRunTask: () => true,
  });
  const onOutcome = queue.beginAppend();
  for (const task of [{ type: 'help' } as const, { ...message, body: 'empty' }, message]) queue.add(task);
  t.deepEqual(ran, []);
  onOutcome();
  t.deepEqual(ran, ['help', 'empty', 'answer', 'x']);
});

test('what takes its time keeps back what comes after it', async (t) => {
  const { queue, ran, endList } = openQueue();
  for (const task of [list, message, list, answer]) queue.add(task);
  t.deepEqual(ran, ['list']);
  await endList();
  t.deepEqual(ran, ['list', 'message', 'list']);
  await endList();
  t.deepEqual(ran, ['list', 'message', 'list', 'answer']);
});

test('what may not run yet keeps back what comes after it, until it may', (t) => {
  let isHeld = true;
  const { queue, ran } = openQueue((task) => !isHeld || task.type !== 'help');
  for (const task of [answer, { type: 'help' } as const, message]) queue.add(task);
  queue.goOn();
  t.deepEqual(ran, ['answer']);
  isHeld = false;
  queue.goOn();
  t.deepEqual(ran, ['answer', 'help', 'message']);
});

test('what waits is bounded in number and in bytes, and gives its room back', async (t) => {
  const { queue, endList } = openQueue();
  queue.add(list, 10);
  t.false(queue.isFull(limits.queuedBytes), 'what is under way does not wait any more');
  queue.add(message, limits.queuedBytes - 5);
  t.false(queue.isFull(5));
  t.true(queue.isFull(6));
  await endList();
  t.false(queue.isFull(limits.queuedBytes));

  queue.add(list);
  queue.add(message, limits.queuedBytes);
  t.true(queue.isFull(1));
  queue.clear();
  t.false(queue.isFull(limits.queuedBytes));
  for (let n = 0; n < limits.queuedFrames; n += 1) {
    t.false(queue.isFull(0));
    queue.add(message);
  }
  t.true(queue.isFull(0));
});

test('a queue that pauses begins nothing, and is settled when what is under way has its outcome', async (t) => {
  const { queue, ran, endList } = openQueue();
  let isSettled = false;
  const look = async (): Promise<boolean> => {
    await new Promise((resolve) => setImmediate(resolve));
    return isSettled;
  };
  queue.add(message);
  const outcome = queue.beginAppend();
  queue.pause();
  queue.add(message);
  void queue.settled().then(() => (isSettled = true));
  t.false(await look());
  outcome();
  t.true(await look());
  t.deepEqual(ran, ['message']);
  queue.unpause();
  t.deepEqual(ran, ['message', 'message']);

  isSettled = false;
  queue.add(list);
  queue.pause();
  void queue.settled().then(() => (isSettled = true));
  t.false(await look());
  await endList();
  t.true(await look());
});

test('what waits goes on in another queue, in its order and with its size', (t) => {
  const { queue } = openQueue();
  queue.pause();
  queue.add({ type: 'join', room_name: 'friends', ref: 'r' }, limits.queuedBytes - 10);
  queue.add({ type: 'answer', frame: { bytes: Buffer.from('"é"') } });
  const next = openQueue();
  next.queue.pause();
  next.queue.import(JSON.parse(JSON.stringify(queue.export())) as TaskExport[]);
  t.deepEqual(next.queue.export(), queue.export());
  t.true(next.queue.isFull(11));
  t.false(next.queue.isFull(10));
  next.queue.unpause();
  t.deepEqual(next.ran, ['join', 'answer']);
});
