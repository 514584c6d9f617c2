import {
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../test/support/app.ts';
import { isProcessAlive, openStateFile, type StateFile, StateFileLost, stateFileTimes } from './state-file.ts';

type Process = { id?: string; host?: string; pid?: number };

async function setUp(t: ExecutionContext) {
  const path = join(await temporaryFolder(t), 'data', 'finbot.json');
  const alive = new Set([100, 200]);
  const isAlive = (pid: number): boolean => alive.has(pid);
  const process = ({ id = 'a', host = 'here', pid = 100 }: Process = {}): StateFile =>
    openStateFile({ path, owner: { id, host, pid }, now: Date.now, isAlive });
  const put = (text: string): void => {
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text);
  };
  return { path, alive, process, put };
}

test('what was written is read by the next one, and nobody else may read it', async (t) => {
  const { path, process } = await setUp(t);
  const first = process();
  t.deepEqual(first.claim(), { kind: 'ours', contents: undefined });
  first.write({ secret: 1 });
  first.release({ secret: 2 });
  t.is(statSync(path).mode & 0o777, 0o600);
  t.deepEqual(readdirSync(dirname(path)), ['finbot.json']);
  t.deepEqual(process({ id: 'b', pid: 200 }).claim(), { kind: 'ours', contents: { secret: 2 } });
});

test('a file whose owner lives is taken; it is free when the owner is dead, silent for long, or gave it free', async (t) => {
  const { path, alive, process } = await setUp(t);
  const first = process();
  const second = process({ id: 'b', pid: 200 });
  first.write({ n: 1 });
  t.deepEqual(second.claim(), {
    kind: 'taken',
    contents: { n: 1 },
    sentence: `${path} is in use by another running bot, process 100.`,
  });
  alive.delete(100);
  t.is(second.claim().kind, 'ours');
  alive.add(100);
  const longAgo = (Date.now() - stateFileTimes.staleMs) / 1000;
  utimesSync(path, longAgo, longAgo);
  t.is(second.claim().kind, 'ours');
  first.write({ n: 2 });
  t.is(second.claim().kind, 'taken');
  first.release({ n: 3 });
  t.deepEqual(second.claim(), { kind: 'ours', contents: { n: 3 } });
});

test('an owner on another machine lives as long as it writes', async (t) => {
  const { path, process } = await setUp(t);
  process({ host: 'there', pid: 999 }).write({});
  const second = process({ id: 'b' });
  t.like(second.claim(), { sentence: `${path} is in use by another running bot, process 999 on there.` });
  const longAgo = (Date.now() - stateFileTimes.staleMs) / 1000;
  utimesSync(path, longAgo, longAgo);
  t.is(second.claim().kind, 'ours');
});

test('a file from a time to come, after the clock was set back, is not taken for ever', async (t) => {
  const { path, process } = await setUp(t);
  process({ host: 'there' }).write({});
  const later = (Date.now() + 2 * stateFileTimes.staleMs) / 1000;
  utimesSync(path, later, later);
  t.is(process({ id: 'b' }).claim().kind, 'ours');
});

test('a file too large to be ours is left unread', async (t) => {
  const { path, process, put } = await setUp(t);
  put('{"finbot":1');
  truncateSync(path, 64 * 1024 * 1024 + 1);
  t.is(process().claim().kind, 'unusable');
});

test('an owner with the process id of the one that asks is what that was before it was killed', async (t) => {
  const { process } = await setUp(t);
  process().write({});
  t.is(process({ id: 'b' }).claim().kind, 'ours');
});

test('an owner that was taken for dead notices, and writes no more', async (t) => {
  const { process } = await setUp(t);
  const first = process();
  first.write({ n: 1 });
  const second = process({ id: 'b', pid: 200 });
  second.write({ n: 2 });
  t.throws(() => first.write({ n: 3 }), { instanceOf: StateFileLost });
  t.throws(() => first.release({ n: 3 }), { instanceOf: StateFileLost });
  t.like(process({ id: 'c', pid: 200 }).claim(), { contents: { n: 2 } });
});

test('a file that somebody removed is written again', async (t) => {
  const { path, process } = await setUp(t);
  const own = process();
  own.write({ n: 1 });
  rmSync(path);
  own.write({ n: 2 });
  t.deepEqual(process({ id: 'b' }).claim(), { kind: 'ours', contents: { n: 2 } });
});

test('what a kill left beside the file, half written and readable by all, is in nobody’s way', async (t) => {
  const { path, process, put } = await setUp(t);
  put('');
  writeFileSync(`${path}.tmp`, '{"finbot":1,"ow', { mode: 0o644 });
  process().write({ n: 1 });
  t.is(statSync(path).mode & 0o777, 0o600);
  t.deepEqual(process({ id: 'b' }).claim(), { kind: 'ours', contents: { n: 1 } });
});

for (const [title, text] of [
  ['nothing', ''],
  ['zeros', '\0\0\0\0'],
  ['half a file', '{"finbot":1,"owner":null,"cont'],
] as const) {
  test(`${title}, as a power cut leaves it, is ignored and written over`, async (t) => {
    const { path, process, put } = await setUp(t);
    put(text);
    t.deepEqual(process().claim(), { kind: 'ours', contents: undefined, ignored: `${path} is damaged` });
    process().write({});
    t.notThrows(() => JSON.parse(readFileSync(path, 'utf8')) as unknown);
  });
}

test('a file of a newer version is ignored, unless a bot is using it', async (t) => {
  const { path, process, put } = await setUp(t);
  put('{"finbot":2,"owner":null,"contents":{"n":1}}');
  t.deepEqual(process().claim(), {
    kind: 'ours',
    contents: undefined,
    ignored: `${path} is of another version of the bot`,
  });
  put('{"finbot":2,"owner":{"id":"z","host":"here","pid":200},"contents":{"n":1}}');
  t.is(process().claim().kind, 'taken');
});

test('any other file is left as it is', async (t) => {
  const { path, process, put } = await setUp(t);
  for (const text of ['SQLite format 3\0…', '{"a":1}', 'null', '[]', 'FINBOT_TOKEN=x']) {
    put(text);
    t.deepEqual(process().claim(), {
      kind: 'unusable',
      sentence: `${path} is no state file of the bot, so it is left as it is.`,
    });
  }
  rmSync(path);
  mkdirSync(path);
  t.like(process().claim(), { kind: 'unusable' });
});

test('processes are seen', (t) => {
  t.true(isProcessAlive(process.pid));
  // Above the highest id that Linux gives (2^22).
  t.false(isProcessAlive(2 ** 22 + 1));
});
