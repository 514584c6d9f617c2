import test from 'ava';
import { answerRef, cutText } from './answer.ts';
import type { Command, Handler } from './command.ts';
import { createRouter, type Router, type RouterDeps } from './router.ts';

type Said = { room: string; body: string; ref: string };

function setUp(handlers: Record<string, Handler>, options: Partial<RouterDeps> = {}) {
  const said: Said[] = [];
  const logged: string[] = [];
  const open = new Set<string>();
  const note = (sentence: string): void => {
    logged.push(sentence);
  };
  const control = new AbortController();
  const router: Router = createRouter({
    handlers: new Map(Object.entries(handlers)),
    say(room, body, ref) {
      said.push({ room, body, ref });
      return Promise.resolve();
    },
    open: {
      add: ({ id }) => open.add(id),
      remove: ({ id }) => open.delete(id),
    },
    log: { info: note, warn: note, error: note },
    signal: control.signal,
    ...options,
  });
  return { router, said, logged, open, stop: () => control.abort() };
}

function command(fields: Partial<Command> = {}): Command {
  return {
    id: 's.1',
    room: 'investments',
    user: 'ann',
    command: 'echo',
    payload: 'x',
    stamp: '2020-09-26 12:12:13',
    ...fields,
  };
}

const echo: Handler = ({ payload }) => Promise.resolve(payload);

test('a command is answered in its room, under a ref made from the command', async (t) => {
  const { router, said } = setUp({ echo });
  router.receive(command());
  await router.settled();
  t.deepEqual(said, [{ room: 'investments', body: 'x', ref: answerRef(command()) }]);
});

test('unknown commands, and names that every object has, are ignored', async (t) => {
  const { router, said, logged } = setUp({ echo });
  for (const name of ['foo', 'ECHO', 'constructor', '__proto__', '']) router.receive(command({ command: name }));
  await router.settled();
  t.deepEqual([said, logged], [[], []]);
});

test('a command received again is not worked on again', async (t) => {
  let runs = 0;
  const { router, said } = setUp({
    count: () => {
      runs += 1;
      return Promise.resolve('once');
    },
  });
  router.receive(command({ command: 'count' }));
  router.receive(command({ command: 'count' }));
  await router.settled();
  router.receive(command({ command: 'count' }));
  await router.settled();
  t.is(runs, 1);
  t.is(said.length, 1);
});

test('the ref differs with each field of the command', (t) => {
  const others: Partial<Command>[] = [
    { id: 's.2' },
    { room: 'friends' },
    { user: 'bob' },
    { command: 'ech', payload: 'ox' },
    { payload: 'y' },
    { stamp: '2020-09-26 12:12:14' },
  ];
  const refs = new Set([command(), ...others.map(command)].map(answerRef));
  t.is(refs.size, others.length + 1);
  for (const ref of refs) t.true(ref.length <= 64);
});

test('a handler that fails is told about in the room, and the others go on', async (t) => {
  const { router, said, logged } = setUp({
    echo,
    reject: () => Promise.reject(new Error('no luck')),
    crash: () => {
      throw new Error('a mistake');
    },
  });
  router.receive(command({ command: 'reject' }));
  router.receive(command({ command: 'crash' }));
  router.receive(command());
  await router.settled();
  t.deepEqual(said.map(({ body }) => body).toSorted(), [
    'Sorry, /crash failed here. Please try again later.',
    'Sorry, /reject failed here. Please try again later.',
    'x',
  ]);
  t.deepEqual(logged.toSorted(), ['/crash in investments failed: a mistake', '/reject in investments failed: no luck']);
});

test('an answer that cannot be said is logged, and the next one is said', async (t) => {
  let calls = 0;
  const { router, logged } = setUp(
    { echo },
    {
      say: () => {
        calls += 1;
        return calls === 1 ? Promise.reject(new Error('gone')) : Promise.resolve();
      },
    },
  );
  router.receive(command());
  router.receive(command({ payload: 'y' }));
  await router.settled();
  t.is(calls, 2);
  t.deepEqual(logged, ['The answer to /echo in investments could not be said: gone']);
});

test('silence is an answer', async (t) => {
  const { router, said } = setUp({ a: () => Promise.resolve(undefined), b: () => Promise.resolve('  ') });
  router.receive(command({ command: 'a' }));
  router.receive(command({ command: 'b' }));
  await router.settled();
  t.deepEqual(said, []);
});

test('a bounded number runs at once, a bounded number waits, the rest is dropped with one line in the log', async (t) => {
  let open: () => void = () => {};
  const gate = new Promise<void>((resolve) => {
    open = resolve;
  });
  let running = 0;
  let most = 0;
  const { router, said, logged } = setUp(
    {
      slow: async ({ payload }) => {
        running += 1;
        most = Math.max(most, running);
        await gate;
        running -= 1;
        return payload;
      },
    },
    { bounds: { concurrent: 2, waiting: 3 } },
  );
  for (let i = 0; i < 10; i += 1) router.receive(command({ command: 'slow', payload: String(i) }));
  open();
  await router.settled();
  t.is(most, 2);
  t.true(said.length >= 3 && said.length <= 5);
  t.deepEqual(logged, ['More than 3 commands wait: those beyond are dropped.']);
  router.receive(command({ command: 'slow', payload: 'again' }));
  await router.settled();
  t.is(said.at(-1)?.body, 'again');
});

test('a handler that never ends gives its place back', async (t) => {
  const { router, said, logged } = setUp(
    { hang: () => new Promise(() => {}), echo },
    { bounds: { concurrent: 1, handlerMs: 20 } },
  );
  router.receive(command({ command: 'hang' }));
  router.receive(command());
  await router.settled();
  t.deepEqual(
    said.map(({ body }) => body),
    ['Sorry, /hang failed here. Please try again later.', 'x'],
  );
  t.deepEqual(logged, ['/hang in investments failed: It took longer than 20 ms.']);
});

test('a stop ends what runs without a word, and nothing more begins', async (t) => {
  const { router, said, logged, stop } = setUp(
    { hang: () => new Promise(() => {}), echo },
    { bounds: { concurrent: 1 } },
  );
  router.receive(command({ command: 'hang' }));
  router.receive(command());
  await Promise.resolve();
  stop();
  await router.settled();
  router.receive(command({ payload: 'later' }));
  await router.settled();
  t.deepEqual([said, logged], [[], []]);
});

test('a long text is cut with a mark, never within a character', (t) => {
  t.is(cutText('abcde', 5), 'abcde');
  t.is(cutText('abcdef', 5), 'abcd…');
  t.is(cutText('abc😀ef', 5), 'abc…');
  t.is(cutText('abc😀ef', 6), 'abc😀…');
});

test('a user who floods the bot keeps nobody else from it', async (t) => {
  const open: (() => void)[] = [];
  const slow: Handler = ({ user }) => new Promise((resolve) => open.push(() => resolve(user)));
  const { router, said, logged } = setUp({ slow }, { bounds: { concurrent: 2, waiting: 10, ofUser: 5 } });
  for (let n = 0; n < 20; n += 1) router.receive(command({ command: 'slow', payload: `${n}`, user: 'mallory' }));
  router.receive(command({ command: 'slow', user: 'ann' }));
  t.is(logged.length, 1);
  while (said.length < 6) {
    open.shift()?.();
    await new Promise<void>((resolve) => setImmediate(resolve));
  }
  await router.settled();
  t.deepEqual(said.map(({ body }) => body).toSorted(), ['ann', ...Array.from({ length: 5 }, () => 'mallory')]);
});

test('equal commands of one user in one second are all answered, each once', async (t) => {
  const { router, said } = setUp({ echo });
  for (const id of ['s.1', 's.2', 's.1', 's.3']) router.receive(command({ id }));
  await router.settled();
  t.is(said.length, 3);
  t.is(new Set(said.map(({ ref }) => ref)).size, 3);
});

test('a command is open from its receipt until it is answered, given up, or met with silence', async (t) => {
  const { router, open } = setUp(
    {
      echo,
      silent: () => Promise.resolve(undefined),
      broken: () => Promise.reject(new Error('no luck')),
    },
    { say: (_room, body) => (body === 'gone' ? Promise.reject(new Error('gone')) : Promise.resolve()) },
  );
  router.receive(command({ id: '1' }));
  router.receive(command({ id: '2', command: 'silent' }));
  router.receive(command({ id: '3', command: 'broken' }));
  router.receive(command({ id: '4', payload: 'gone' }));
  router.receive(command({ id: '5', command: 'unknown' }));
  t.deepEqual([...open], ['1', '2', '3', '4']);
  await router.settled();
  t.deepEqual([...open], []);
});

test('what a stop leaves without an answer stays open, and so does what comes after it', async (t) => {
  const { router, open, stop, said } = setUp(
    { hang: () => new Promise(() => {}), echo },
    { bounds: { concurrent: 1 } },
  );
  router.receive(command({ id: '1', command: 'hang' }));
  router.receive(command({ id: '2' }));
  await Promise.resolve();
  stop();
  router.receive(command({ id: '3' }));
  await router.settled();
  t.deepEqual([...open], ['1', '2', '3']);
  t.deepEqual(said, []);
});

test('a command that is dropped is not open', async (t) => {
  const { router, open } = setUp({ echo }, { bounds: { concurrent: 1, waiting: 1 } });
  for (const id of ['1', '2', '3', '4']) router.receive(command({ id }));
  t.true(open.size < 4);
  await router.settled();
  t.is(open.size, 0);
});
