import test, { type ExecutionContext } from 'ava';
import type { ExportedSession } from '../src/client/index.ts';
import { createHeldFile, createNotedLog, type HeldFile, until } from '../test/support/bot-parts.ts';
import type { Command } from './command.ts';
import { createMemory, type Memory } from './memory.ts';
import { StateFileLost } from './state-file.ts';

const hour = 3_600_000;

function setUp(t: ExecutionContext, file: HeldFile | undefined, options: { server?: string; account?: string } = {}) {
  const place: { session: ExportedSession | undefined; ms: number } = { session: undefined, ms: 1_000_000_000 };
  const log = createNotedLog();
  const memory: Memory = createMemory({
    file,
    server: options.server ?? 'http://chat',
    account: options.account ?? 'finbot',
    exportSession: () => place.session,
    log,
    now: () => place.ms,
  });
  t.teardown(() => memory.close());
  memory.open();
  return { memory, place, log };
}

const at = (n: number): ExportedSession => ({ version: 1, cursor: `s.${n}`, rooms: [] });

function command(id: string): Command {
  return { id, room: 'friends', user: 'ann', command: 'stock', payload: 'wig', stamp: '2020-09-26 12:12:13' };
}

test('the next one has the session, the token, and the commands that were not answered', (t) => {
  const file = createHeldFile();
  const first = setUp(t, file);
  first.memory.token = 'secret';
  first.place.session = at(3);
  for (const id of ['s.1', 's.2', 's.3']) first.memory.add(command(id));
  first.memory.remove(command('s.2'));
  first.memory.flush();
  const { memory, place } = setUp(t, file);
  t.is(memory.token, 'secret');
  t.deepEqual(memory.session, at(3));
  t.deepEqual(memory.takeLeft(), [
    { ...command('s.1'), at: place.ms },
    { ...command('s.3'), at: place.ms },
  ]);
  t.deepEqual(memory.takeLeft(), []);
});

test('a command that is left stays there over any number of starts until it is answered, or an hour old', (t) => {
  const file = createHeldFile();
  const first = setUp(t, file);
  first.memory.add(command('s.1'));
  first.memory.flush();
  for (let start = 0; start < 3; start += 1) {
    const { memory, place } = setUp(t, file);
    place.ms += hour - 1;
    const [left] = memory.takeLeft();
    t.is(left?.id, 's.1');
    if (left !== undefined) memory.add(left);
    t.true(memory.leave());
  }
  const { memory, place } = setUp(t, file);
  place.ms += hour;
  t.deepEqual(memory.takeLeft(), []);
});

test('a command that is left stays there over a start that does not reach the chat', (t) => {
  const file = createHeldFile();
  const first = setUp(t, file);
  first.memory.add(command('s.1'));
  first.memory.flush();
  const second = setUp(t, file);
  second.memory.token = 'secret';
  second.memory.close();
  t.like(setUp(t, file).memory.takeLeft(), [{ id: 's.1' }]);
});

test('changes are written by themselves in a moment, many at once', async (t) => {
  const file = createHeldFile();
  let writes = 0;
  file.write = (contents) => {
    writes += 1;
    file.contents = contents;
  };
  const { place, memory } = setUp(t, file);
  writes = 0;
  for (let n = 1; n <= 100; n += 1) {
    place.session = at(n);
    memory.touch();
  }
  t.is(writes, 0);
  await until(() => writes > 0);
  t.is(writes, 1);
  t.like(file.contents, { session: at(100) });
  memory.flush();
  t.is(writes, 1);
});

test('the token is written before the log-in is used', (t) => {
  const file = createHeldFile();
  const { memory } = setUp(t, file);
  t.false(memory.token !== undefined);
  memory.token = 'secret';
  t.like(file.contents, { token: 'secret' });
  t.true(memory.isTokenShared);
});

test('the last place is kept when the client has ended, until it is forgotten', (t) => {
  const file = createHeldFile();
  const { memory, place } = setUp(t, file);
  place.session = at(9);
  memory.touch();
  memory.flush();
  place.session = undefined;
  t.deepEqual(memory.session, at(9));
  memory.forgetSession();
  t.is(memory.session, undefined);
  memory.flush();
  t.like(file.contents, { session: undefined });
});

test('after it has left, nothing is written', (t) => {
  const file = createHeldFile();
  const { memory, place } = setUp(t, file);
  place.session = at(1);
  t.true(memory.leave());
  place.session = at(2);
  memory.add(command('s.2'));
  memory.flush();
  t.like(file.contents, { session: at(1), pending: [] });
  t.false(memory.leave());
});

test('what is of another server or account is ignored, and said so in one sentence', (t) => {
  for (const [whose, options] of [
    ['server', { server: 'http://elsewhere' }],
    ['account', { account: 'other' }],
  ] as const) {
    const file = createHeldFile();
    const first = setUp(t, file);
    first.memory.token = 'secret';
    first.memory.add(command('s.1'));
    first.place.session = at(1);
    t.true(first.memory.leave());
    const { memory, log } = setUp(t, file, options);
    t.deepEqual([memory.token, memory.session, memory.takeLeft()], [undefined, undefined, []]);
    t.deepEqual(log.lines, [`warn: The state file is of another ${whose}: what it says is ignored.`]);
  }
});

test('what is no command or token in the file is passed over', (t) => {
  const contents = {
    server: 'http://chat',
    account: 'finbot',
    token: 7,
    session: 'x',
    pending: [
      null,
      1,
      {},
      { ...command('s.1') },
      { ...command('s.2'), at: 1, room: 2 },
      { ...command('s.3'), at: 1e9 },
    ],
  };
  const { memory } = setUp(t, createHeldFile(contents));
  t.deepEqual([memory.token, memory.session], [undefined, undefined]);
  t.deepEqual(memory.takeLeft(), [{ ...command('s.3'), at: 1e9 }]);
  for (const rubbish of [null, 7, 'x', [], {}, { server: 1 }]) {
    t.deepEqual(setUp(t, createHeldFile(rubbish)).log.lines, []);
  }
});

test('without a file it remembers what a run needs, and a stop leaves nothing to go on from', (t) => {
  const { memory, place, log } = setUp(t, undefined);
  memory.token = 'secret';
  place.session = at(1);
  memory.touch();
  t.is(memory.token, 'secret');
  t.deepEqual(memory.session, at(1));
  t.false(memory.isTokenShared);
  t.false(memory.leave());
  t.deepEqual(log.lines, []);
});

test('a folder that cannot be written to is said once, without the token, and the bot goes on', (t) => {
  const file = createHeldFile();
  file.write = () => {
    throw new Error('EROFS: read-only file system');
  };
  const { memory, log } = setUp(t, file);
  memory.token = 'secret';
  memory.open();
  memory.touch();
  memory.flush();
  t.deepEqual(log.lines, [
    'warn: The state file cannot be written, so a restart may miss commands: EROFS: read-only file system.',
  ]);
  t.false(memory.leave());
  t.false(memory.isTokenShared);
});

test('a full disk is said once and survived: the next change is written', (t) => {
  const file = createHeldFile();
  const { memory, place, log } = setUp(t, file);
  let isFull = true;
  file.write = (contents) => {
    if (isFull) throw new Error('ENOSPC');
    file.contents = contents;
  };
  for (const n of [1, 2]) {
    place.session = at(n);
    memory.touch();
    memory.flush();
  }
  t.is(log.lines.length, 1);
  isFull = false;
  memory.flush();
  t.like(file.contents, { session: at(2) });
});

test('a file that another bot took over is written no more', (t) => {
  const file = createHeldFile();
  const { memory, log } = setUp(t, file);
  let tries = 0;
  file.write = () => {
    tries += 1;
    throw new StateFileLost('finbot.json was taken over by another process');
  };
  for (let i = 0; i < 2; i += 1) {
    memory.touch();
    memory.flush();
  }
  t.is(tries, 1);
  t.deepEqual(log.lines, [
    'warn: The state file is lost, so a restart may miss commands: finbot.json was taken over by another process.',
  ]);
  t.false(memory.leave());
});
