import test from 'ava';
import { type Decoded, decodeClientFrame, decodeClientValue } from './codec.ts';
import { limits } from './limits.ts';

function decode(message: object): Decoded {
  return decodeClientFrame(JSON.stringify(message));
}

const invalid: Decoded = { kind: 'invalid' };

test('each client message of the protocol is read', (t) => {
  const room_name = 'making_friends';
  const frames = [
    { type: 'help' },
    { type: 'list' },
    { type: 'join', room_name },
    { type: 'join', room_name, since: 0, epoch: 'e1' },
    { type: 'part', room_name },
    { type: 'message', room_name, body: 'Hello everyone!' },
    { type: 'custom', room_name, command: 'foo', payload: 'bar' },
    { type: 'history', room_name },
    { type: 'history', room_name, before: 7, limit: 1 },
  ] as const;
  for (const frame of frames) {
    t.deepEqual(decode(frame), { kind: 'frame', frame });
    t.deepEqual(decode({ ...frame, ref: 'r1' }), { kind: 'frame', frame: { ...frame, ref: 'r1' } });
  }
});

test('both forms of a command are the same command', (t) => {
  const command = { room_name: 'friends', command: 'stock', payload: 'aapl.us', ref: 'r' };
  const expected: Decoded = { kind: 'frame', frame: { type: 'custom', ...command } };
  t.deepEqual(decode({ type: 'custom', ...command }), expected);
  t.deepEqual(decode({ type: 'message', ...command }), expected);
});

test('a message with both a body and a command, or half a command, is invalid', (t) => {
  const base = { type: 'message', room_name: 'friends' };
  for (const fields of [
    { body: 'x', command: 'a', payload: 'b' },
    { body: 'x', command: 'a' },
    { body: 'x', payload: 'b' },
    { body: null, command: 'a', payload: 'b' },
    { command: 'a' },
    { payload: 'b' },
    { command: null, payload: 'b' },
    {},
  ]) {
    t.deepEqual(decode({ ...base, ...fields }), invalid, JSON.stringify(fields));
  }
});

test('what is no JSON object is invalid', (t) => {
  for (const text of ['', ' ', 'hello', '{', '{"type":"help"', "{'type':'help'}", '\ufeff{"type":"help"}', 'NaN']) {
    t.deepEqual(decodeClientFrame(text), invalid, text);
  }
  for (const text of ['null', '1', '"help"', 'true', '[]', '[{"type":"help"}]']) {
    t.deepEqual(decodeClientFrame(text), invalid, text);
  }
});

test('a field of the wrong type is invalid and answered with the ref', (t) => {
  const wrong = [null, 1, true, [], {}, ['friends']];
  const messages: object[] = [{ type: 'join' }, { type: 'part' }, { type: 'history' }, { type: 'message', body: 'x' }];
  for (const value of wrong) {
    messages.push(
      { type: value },
      { type: 'join', room_name: value },
      { type: 'join', room_name: 'a', epoch: value },
      { type: 'part', room_name: value },
      { type: 'message', room_name: value, body: 'x' },
      { type: 'message', room_name: 'a', body: value },
      { type: 'message', room_name: 'a', command: value, payload: 'x' },
      { type: 'custom', room_name: 'a', command: 'x', payload: value },
      { type: 'history', room_name: value },
    );
  }
  for (const id of [null, '1', -1, 0.5, 2 ** 53, true]) {
    messages.push({ type: 'join', room_name: 'a', since: id }, { type: 'history', room_name: 'a', before: id });
  }
  t.deepEqual(decodeClientFrame('{"type":"join","room_name":"a","since":-0}'), invalid);
  for (const limit of [null, '1', -1, 0, 0.5]) messages.push({ type: 'history', room_name: 'a', limit });
  for (const message of messages) {
    t.deepEqual(decode({ ...message, ref: 'r1' }), { kind: 'invalid', ref: 'r1' }, JSON.stringify(message));
  }
});

test('a type that is missing or not known is unsupported, and is named', (t) => {
  t.deepEqual(decode({}), { kind: 'unsupported', type: null });
  t.deepEqual(decode({ ref: 'r' }), { kind: 'unsupported', type: null, ref: 'r' });
  for (const type of ['', 'Help', 'help ', 'toString', 'constructor', '__proto__', 'hasOwnProperty', 'valueOf']) {
    t.deepEqual(decode({ type, ref: 'r' }), { kind: 'unsupported', type, ref: 'r' });
  }
});

test('fields are read from the message itself, never from a prototype that it names', (t) => {
  t.deepEqual(decodeClientFrame('{"__proto__":{"type":"help"}}'), { kind: 'unsupported', type: null });
  t.deepEqual(decodeClientFrame('{"type":"part","__proto__":{"room_name":"a"}}'), invalid);
  t.deepEqual(decodeClientFrame('{"type":"help","constructor":1,"toString":2}'), {
    kind: 'frame',
    frame: { type: 'help' },
  });
});

test('unknown fields are ignored', (t) => {
  t.deepEqual(decode({ type: 'help', later: { deep: [1] } }), { kind: 'frame', frame: { type: 'help' } });
});

test('a ref is a string of 1 to 64 characters', (t) => {
  const longest = 'r'.repeat(limits.refLength);
  t.deepEqual(decode({ type: 'help', ref: longest }), { kind: 'frame', frame: { type: 'help', ref: longest } });
  for (const ref of ['', `${longest}r`, null, 1, {}]) t.deepEqual(decode({ type: 'help', ref }), invalid);
  t.deepEqual(decode({ type: 'nothing known', ref: 1 }), invalid);
});

test('a NUL or a lone surrogate anywhere is invalid, escaped or not, and answered with the ref', (t) => {
  const lone = ['\0', '\ud800', '\udfff', 'a\udc00\ud800b', '\ud83d'];
  for (const bad of lone) {
    const messages = [
      { type: bad },
      { type: 'message', room_name: bad, body: 'x' },
      { type: 'message', room_name: 'a', body: `x${bad}y` },
      { type: 'help', other: bad },
      { type: 'help', [bad]: 1 },
      { type: 'help', deep: [[{ list: ['fine', bad] }]] },
      { type: 'help', deep: { [bad]: null } },
    ];
    for (const message of messages) {
      const expected: Decoded = { kind: 'invalid', ref: 'r' };
      t.deepEqual(decode({ ...message, ref: 'r' }), expected);
      t.deepEqual(decodeClientValue({ ...message, ref: 'r' }), expected);
    }
    t.deepEqual(decode({ type: 'help', ref: bad }), invalid);
    t.deepEqual(decodeClientFrame(`{"type":"help","x":"${bad}"}`), invalid);
  }
  t.deepEqual(decodeClientFrame('{"type":"help","x":"\\u0000"}'), invalid);
  t.deepEqual(decodeClientFrame('{"type":"help","x":"\\uD83D\\u0041"}'), invalid);
});

test('whole pairs and other escapes are text', (t) => {
  const expected: Decoded = { kind: 'frame', frame: { type: 'message', room_name: 'a', body: '😀é\\u0000' } };
  t.deepEqual(
    decodeClientFrame('{"type":"message","room_name":"a","body":"\\ud83d\\uDE00\\u00e9\\\\u0000"}'),
    expected,
  );
  t.deepEqual(decodeClientFrame('{"type":"message","room_name":"a","body":"😀é\\\\u0000"}'), expected);
});

test('a history asks for at most what one answer may hold', (t) => {
  const at = (limit: number): Decoded => decode({ type: 'history', room_name: 'a', limit });
  const frame = { type: 'history', room_name: 'a', limit: limits.historyMessages } as const;
  t.deepEqual(at(limits.historyMessages), { kind: 'frame', frame });
  t.deepEqual(at(limits.historyMessages + 1), { kind: 'frame', frame });
  t.deepEqual(at(Number.MAX_SAFE_INTEGER), { kind: 'frame', frame });
});

test('the deepest nesting that a message can hold does no harm', (t) => {
  const depth = limits.clientMessageBytes / 2 - 20;
  const text = `{"type":"help","x":${'['.repeat(depth)}${']'.repeat(depth)}}`;
  t.deepEqual(decodeClientFrame(text), { kind: 'frame', frame: { type: 'help' } });
  t.deepEqual(decodeClientValue(JSON.parse(text)), { kind: 'frame', frame: { type: 'help' } });
});

test('texts are passed on as they came: blanks and lengths are judged later', (t) => {
  const body = ` ${'x'.repeat(50_000)} `;
  const frame = { type: 'message', room_name: '', body } as const;
  t.deepEqual(decode(frame), { kind: 'frame', frame });
});
