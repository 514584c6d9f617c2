import test from 'ava';
import { Requests } from './requests.ts';

const message = (ref: string) => ({ type: 'message', room_name: 'r', body: ref, ref }) as const;

function open(): { requests: Requests; sent: string[]; add: (ref: string) => void } {
  const sent: string[] = [];
  const requests = new Requests({
    timers: { setTimeout: () => undefined, clearTimeout: () => {} },
    random: () => 0,
    send: (text) => void sent.push((JSON.parse(text) as { ref: string }).ref),
    isReady: () => true,
  });
  const add = (ref: string): void => {
    requests.add(message(ref), { timeoutMs: Number.POSITIVE_INFINITY }).catch(() => {});
  };
  requests.attach();
  return { requests, sent, add };
}

test('a session that goes on over a third connection before the second one’s fence was answered keeps its order', (t) => {
  const { requests, sent, add } = open();
  add('one');
  requests.detach();
  add('two');
  requests.reattach('fence-1');
  // The client climbs to a better transport: the line between was never lost.
  requests.reattach('fence-2');
  t.deepEqual(sent, ['one', 'fence-1', 'fence-2']);
  requests.settle({ type: 'notification', code: 'list', list: [], ref: 'fence-2' });
  t.deepEqual(sent.slice(3), ['one', 'two']);
});

test('what waits stays where it is when a session is lost while its fence is out', (t) => {
  const { requests, sent, add } = open();
  add('one');
  requests.detach();
  add('two');
  requests.reattach('fence');
  requests.lose();
  t.deepEqual(sent, ['one', 'fence']);
  requests.attach();
  t.deepEqual(sent.slice(2), ['one', 'two']);
});
