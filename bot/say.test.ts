import test from 'ava';
import { ChatError, ConnectionError, FatalError } from '../src/client/index.ts';
import { createSay } from './say.ts';

function setUp(outcomes: (Error | undefined)[]) {
  const sent: { room: string; body: string; ref: string | undefined }[] = [];
  let now = 0;
  const say = createSay({
    client: {
      send(room, body, options) {
        sent.push({ room, body, ref: options?.ref });
        const error = outcomes.shift();
        if (error !== undefined) return Promise.reject(error);
        return Promise.resolve({ id: 1, stamp: '', ref: options?.ref ?? '', repeat: false });
      },
    },
    wait(ms) {
      now += ms;
      return Promise.resolve();
    },
    now: () => now,
  });
  return { say, sent };
}

const { signal } = new AbortController();

test('an answer is sent once, with its ref', async (t) => {
  const { say, sent } = setUp([]);
  await say('r', 'hello', 'ref', signal);
  t.deepEqual(sent, [{ room: 'r', body: 'hello', ref: 'ref' }]);
});

test('ref-reused means that the answer stands there already', async (t) => {
  const { say, sent } = setUp([new ChatError('ref-reused')]);
  await t.notThrowsAsync(say('r', 'hello', 'ref', signal));
  t.is(sent.length, 1);
});

test('an answer too long for this server is cut and sent again under its ref', async (t) => {
  const { say, sent } = setUp([new ChatError('room:message-too-long', { name: 'r', max_length: 10 })]);
  await say('r', 'x'.repeat(5000), 'ref', signal);
  t.deepEqual(
    sent.map(({ body, ref }) => [body.length, ref]),
    [
      [4096, 'ref'],
      [10, 'ref'],
    ],
  );
  t.true(sent[1]?.body.endsWith('…'));
});

test('a server that refuses every length is not asked for ever', async (t) => {
  const refusal = new ChatError('room:message-too-long', { name: 'r', max_length: 10 });
  const { say, sent } = setUp([refusal, refusal, refusal]);
  await t.throwsAsync(say('r', 'hello', 'ref', signal), { is: refusal });
  t.is(sent.length, 2);
});

test('while the client begins anew, the answer waits and is sent again under its ref', async (t) => {
  const { say, sent } = setUp([
    new FatalError('already-chatting'),
    new ConnectionError('not-connected'),
    new ChatError('room:not-joined'),
  ]);
  await say('r', 'hello', 'ref', signal);
  t.deepEqual(new Set(sent.map(({ ref }) => ref)), new Set(['ref']));
  t.is(sent.length, 4);
});

test('an answer that cannot be said within a minute is given up', async (t) => {
  const gone = new ChatError('room:not-joined');
  const { say, sent } = setUp(Array.from({ length: 100 }, () => gone));
  await t.throwsAsync(say('r', 'hello', 'ref', signal), { is: gone });
  t.is(sent.length, 61);
});

test('any other refusal is final', async (t) => {
  const refusal = new ChatError('invalid-format');
  const { say, sent } = setUp([refusal]);
  await t.throwsAsync(say('r', 'hello', 'ref', signal), { is: refusal });
  t.is(sent.length, 1);
});

test('a stop ends the waiting', async (t) => {
  const end = new FatalError('closed');
  const { say, sent } = setUp([end, end]);
  await t.throwsAsync(say('r', 'hello', 'ref', AbortSignal.abort()), { is: end });
  t.is(sent.length, 1);
});
