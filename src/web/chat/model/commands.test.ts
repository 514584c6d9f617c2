import test from 'ava';
import { createFakeStorage } from '../../../../test/web/fake-storage.ts';
import { createStore } from '../../common/storage.ts';
import { createKnownCommands, parseCommand } from './commands.ts';

const commands: readonly [text: string, command: string, payload: string][] = [
  ['/stock=aapl.us', 'stock', 'aapl.us'],
  ['  /stock=aapl.us  ', 'stock', 'aapl.us'],
  ['/foo=bar=baz', 'foo', 'bar=baz'],
  ['/foo=', 'foo', ''],
  ['/foo= bar ', 'foo', ' bar'],
  ['/größe-2.x_y=a b', 'größe-2.x_y', 'a b'],
  ['/say=one\ntwo', 'say', 'one\ntwo'],
];
for (const [text, command, payload] of commands) {
  test(`${JSON.stringify(text)} is a command`, (t) => t.deepEqual(parseCommand(text), { command, payload }));
}

for (const text of [
  '',
  '/',
  '/=x',
  '/stock',
  'stock=x',
  '/usr/bin=x',
  '/a b=c',
  '//a=b',
  `/${'x'.repeat(65)}=y`,
  'see /a=b',
]) {
  test(`${JSON.stringify(text.slice(0, 20))} is a message`, (t) => t.is(parseCommand(text), undefined));
}

test('commands seen are offered, sorted, and remembered; the stock command always is', (t) => {
  const storage = createFakeStorage();
  const known = createKnownCommands(createStore(() => storage));
  t.deepEqual(known.names.value, ['stock']);
  for (const name of ['zoo', 'ask', 'zoo', 'not one']) known.note(name);
  t.deepEqual(known.names.value, ['ask', 'stock', 'zoo']);
  t.deepEqual(createKnownCommands(createStore(() => storage)).names.value, ['ask', 'stock', 'zoo']);
});

test('of many commands the newest are remembered', (t) => {
  const known = createKnownCommands(createStore(() => createFakeStorage()));
  for (let n = 0; n < 200; n += 1) known.note(`c${n}`);
  t.is(known.names.value.length, 51);
  t.true(known.names.value.includes('c199'));
  t.false(known.names.value.includes('c0'));
});

test('what is stored and is no list of names is passed over', (t) => {
  const storage = createFakeStorage();
  for (const text of ['{', '7', '{"a":1}', '[1,null,"a b"]']) {
    storage.setItem('finchat.commands', text);
    t.deepEqual(createKnownCommands(createStore(() => storage)).names.value, ['stock']);
  }
});
