import test from 'ava';
import { createLog } from './log.ts';
import { createProblems, type Problems } from './problems.ts';

function open(level = 'info'): { log: ReturnType<typeof createLog>; problems: Problems } {
  const problems = createProblems(() => Date.UTC(2026, 0, 2, 3, 4, 5));
  const log = createLog({ level, format: 'json', destination: { write() {} }, problems });
  return { log, problems };
}

test('warnings and errors are kept with their sentence and the error’s own, newest first, and nothing else is', (t) => {
  const { log, problems } = open();
  log.info({ err: new Error('no') }, 'All is well.');
  log.warn('Redis is slow.');
  log.error({ err: new Error('The disk is full.'), room: 'friends' }, 'A history could not be read.');
  log.fatal(new Error('Out of memory.'));
  log.child({ part: 'bus' }).error('A child tells too.');
  const at = '2026-01-02T03:04:05.000Z';
  t.deepEqual(problems.newest(), [
    { at, level: 'error', message: 'A child tells too.' },
    { at, level: 'fatal', message: 'Out of memory.' },
    { at, level: 'error', message: 'A history could not be read. The disk is full.' },
    { at, level: 'warn', message: 'Redis is slow.' },
  ]);
});

test('no detail is kept, and nothing in a sentence that could be a token or a hash', (t) => {
  const { log, problems } = open();
  const token = 'Abc-_'.repeat(9).slice(0, 43);
  log.error({ token, password: 'geheim', body: 'psst', err: new Error(`GET /ws/chat?token=${token}`) }, 'Refused.');
  t.is(problems.newest()[0]?.message, 'Refused. GET /ws/chat?token=[redacted]');
});

test('fifty are kept, of bounded length', (t) => {
  const { log, problems } = open();
  for (let n = 1; n <= 60; n += 1) log.warn(`number ${n} ${'very '.repeat(200)}`);
  const messages = problems.newest().map(({ message }) => message);
  t.is(messages.length, 50);
  t.true(messages[0]?.startsWith('number 60 '));
  t.true(messages.every((message) => message.length <= 500));
});

test('what the log does not write is not kept', (t) => {
  const { log, problems } = open('error');
  log.warn('Redis is slow.');
  t.deepEqual(problems.newest(), []);
});
