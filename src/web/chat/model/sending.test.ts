import type { ExecutionContext } from 'ava';
import test from 'ava';
import { createManualTimers } from '../../../../test/support/manual-timers.ts';
import type { Client } from '../../../client/index.ts';
import { en } from '../../texts/en.ts';
import { Room } from './room.ts';
import { Sending } from './sending.ts';
import { createSentences } from './sentences.ts';

type SendingClient = Pick<Client, 'send' | 'hurry'>;

function newSending(
  t: ExecutionContext,
  timers: ReturnType<typeof createManualTimers>,
  client: SendingClient,
): Sending {
  return new Sending({
    client: () => client as Client,
    sentences: createSentences(en.chat.model),
    now: () => timers.now(),
    timers,
    username: () => 'ann',
    onMaxLength: () => {},
    onFailed: (_room, why) => t.fail(why),
  });
}

test('a message that nobody answers has the line looked at, one that is answered has not', async (t) => {
  const timers = createManualTimers();
  let looks = 0;
  let answer = (): void => {};
  const sending = newSending(t, timers, {
    send: () =>
      new Promise((resolve) => {
        answer = () => resolve({ id: 1, stamp: '2026-01-02 03:04:05', ref: 'r', repeat: false });
      }),
    hurry: () => void (looks += 1),
  });
  const room = new Room('friends', () => false);
  sending.send(room, 'into the dark');
  timers.advance(9_000);
  t.is(looks, 0);
  timers.advance(1_000);
  t.is(looks, 1);
  answer();
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(room.timeline.outgoing, []);
  sending.send(room, 'answered');
  answer();
  await new Promise((resolve) => setImmediate(resolve));
  t.deepEqual(timers.waits, []);
  t.is(looks, 1);
});

test('refs begin with the time, so that the database has those of all pages side by side', (t) => {
  const timers = createManualTimers();
  const refs: string[] = [];
  const client: SendingClient = {
    hurry: () => {},
    send(_room, _body, options) {
      refs.push(options?.ref ?? '');
      return new Promise(() => {});
    },
  };
  const pages = [newSending(t, timers, client), newSending(t, timers, client)];
  timers.advance(1_800_000_000_000);
  for (let second = 0; second < 20; second += 1) {
    timers.advance(1000);
    pages[second % 2]?.send(new Room('friends', () => false), 'words');
  }
  t.is(refs.length, 20);
  t.deepEqual(refs, refs.toSorted());
  t.is(new Set(refs.map((ref) => ref.slice(ref.indexOf('-')))).size, 20);
  t.true(refs.every((ref) => ref.length <= 64));
});
