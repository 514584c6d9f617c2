/** Which error, when: the first that applies is answered, and the connection stays open. */
import test from 'ava';
import { limits } from '../../src/protocol/limits.ts';
import { createStoppedClock, silentStore, startApp } from '../support/app.ts';
import type { RawClient, RawFrame, TransportName } from '../support/raw-client.ts';
import { eachTransport } from '../support/transports.ts';

async function errorOf(client: RawClient, message: object | string): Promise<RawFrame> {
  const { type: _type, ...error } = await client.ask(message, (frame) => frame.type === 'error');
  return error;
}

/** A client message as it stands: by POST, what is no object comes as an array's element. */
function asText(text: string, transport: TransportName): string {
  return transport === 'websocket' ? text : `[${text}]`;
}

eachTransport(
  test,
  'bad client messages are answered with the contract’s error and cost nothing',
  async (t, transport) => {
    const server = await startApp(t, { transport, env: { RATE_LIMITS: 'off' } });
    const alice = await server.chat('alice');
    const bad: [message: object | string, error: object][] = [
      [asText('[1]', transport), { code: 'invalid-format' }],
      [asText('"text"', transport), { code: 'invalid-format' }],
      [asText('null', transport), { code: 'invalid-format' }],
      [{ type: 7 }, { code: 'invalid-format' }],
      [
        { type: 'join', room_name: 7, ref: 'a' },
        { code: 'invalid-format', ref: 'a' },
      ],
      [
        { type: 'join', room_name: 'a\0b', ref: 'b' },
        { code: 'invalid-format', ref: 'b' },
      ],
      [asText('{"type":"join","room_name":"\\ud800","ref":"c"}', transport), { code: 'invalid-format', ref: 'c' }],
      [{ type: 'join', room_name: 'friends', ref: '' }, { code: 'invalid-format' }],
      [{ type: 'join', room_name: 'friends', ref: 'x'.repeat(65) }, { code: 'invalid-format' }],
      [{ type: 'message', room_name: 'friends', body: 'x', command: 'y', payload: 'z' }, { code: 'invalid-format' }],
      [
        { type: 'shout', ref: 'd' },
        { code: 'unsupported-command', details: { type: 'shout' }, ref: 'd' },
      ],
      [{ type: '__proto__' }, { code: 'unsupported-command', details: { type: '__proto__' } }],
      [{ body: 'x' }, { code: 'unsupported-command', details: { type: null } }],
      [
        { type: 'join', room_name: 'nowhere', ref: 'e' },
        { code: 'room:invalid', details: { name: 'nowhere' }, ref: 'e' },
      ],
      [
        { type: 'join', room_name: 'Friends' },
        { code: 'room:invalid', details: { name: 'Friends' } },
      ],
      [
        { type: 'part', room_name: 'friends' },
        { code: 'room:not-joined', details: { name: 'friends' } },
      ],
      [
        { type: 'message', room_name: 'nowhere', body: '' },
        { code: 'room:not-joined', details: { name: 'nowhere' } },
      ],
      [
        { type: 'history', room_name: 'family' },
        { code: 'room:not-joined', details: { name: 'family' } },
      ],
    ];
    for (const [message, error] of bad) t.deepEqual({ ...(await errorOf(alice, message)) }, { ...error });

    await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    const name = 'friends';
    const inside: [message: object, error: object][] = [
      [
        { type: 'join', room_name: name },
        { code: 'room:already-joined', details: { name } },
      ],
      [
        { type: 'message', room_name: name, body: ' \n ', ref: 'f' },
        { code: 'room:empty-message', ref: 'f' },
      ],
      [{ type: 'custom', room_name: name, command: ' ', payload: 'x' }, { code: 'room:empty-custom' }],
      [{ type: 'custom', room_name: name, command: 'x', payload: '\t' }, { code: 'room:empty-custom' }],
      // Emptiness is looked at before length.
      [
        { type: 'custom', room_name: name, command: 'x', payload: ' '.repeat(limits.payloadLength + 1) },
        { code: 'room:empty-custom' },
      ],
      [
        { type: 'message', room_name: name, body: 'x'.repeat(limits.bodyLength + 1), ref: 'g' },
        { code: 'room:message-too-long', details: { name, max_length: limits.bodyLength }, ref: 'g' },
      ],
      [
        { type: 'custom', room_name: name, command: 'x'.repeat(limits.commandLength + 1), payload: 'x' },
        { code: 'room:message-too-long', details: { name, max_length: limits.commandLength } },
      ],
      [
        { type: 'custom', room_name: name, command: 'x', payload: 'x'.repeat(limits.payloadLength + 1) },
        { code: 'room:message-too-long', details: { name, max_length: limits.payloadLength } },
      ],
    ];
    for (const [message, error] of inside) t.deepEqual({ ...(await errorOf(alice, message)) }, { ...error });

    const longest = '😀'.repeat(limits.bodyLength / 2);
    alice.send({ type: 'message', room_name: name, body: longest });
    t.is((await alice.next({ code: 'message' })).body, longest);
  },
);

eachTransport(
  test,
  'every client message counts against the rate, and retry_after says when to come back',
  async (t, transport) => {
    const server = await startApp(t, { transport, overrides: { clock: createStoppedClock() } });
    const alice = await server.chat('alice');
    for (let n = 0; n < limits.messageBurst + 20; n += 1) alice.send({ type: 'list', ref: `r${n}` });
    const refused = await alice.next({ type: 'error', code: 'rate-limited' });
    const wait = refused.details?.retry_after as number;
    t.true(wait > 0 && wait <= 1);
    t.regex(String(refused.ref), /^r\d+$/);
    // A new connection of the same user does not begin with a full burst.
    await alice.close();
    const again = await server.chat('alice');
    for (let n = 0; n < limits.messageBurst; n += 1) again.send({ type: 'list' });
    await again.next({ code: 'rate-limited' });
  },
);

eachTransport(
  test,
  'beyond the rate a message is rate-limited before its type is looked at, and after its form',
  async (t, transport) => {
    const server = await startApp(t, { transport, overrides: { clock: createStoppedClock() } });
    const alice = await server.chat('alice');
    for (let n = 0; n < limits.messageBurst; n += 1) alice.send({ type: 'list' });
    const bad: [message: object | string, code: string][] = [
      [asText('[1]', transport), 'invalid-format'],
      [{ type: 7 }, 'invalid-format'],
      [{ type: 'shout' }, 'rate-limited'],
      [{ type: 'join', room_name: 'nowhere' }, 'rate-limited'],
    ];
    for (const [message] of bad) alice.send(message);
    for (const [message, code] of bad) t.is((await alice.next({ type: 'error' })).code, code, JSON.stringify(message));
  },
);

eachTransport(test, 'help names every client message with an example that the server takes', async (t, transport) => {
  const server = await startApp(t, { transport });
  const alice = await server.chat('alice');
  const { help } = await alice.ask({ type: 'help', ref: 'h' }, { code: 'help', ref: 'h' });
  const examples = String(help).match(/^\{.*\}$/gm) ?? [];
  const types = new Set(examples.map((example) => (JSON.parse(example) as { type: string }).type));
  t.deepEqual(Array.from(types).sort(), ['custom', 'help', 'history', 'join', 'list', 'message', 'part']);
  for (const example of examples) alice.send(example);
  await alice.ask({ type: 'list', ref: 'last' }, { ref: 'last' });
  t.false(alice.frames.some((frame) => frame.code === 'invalid-format' || frame.code === 'unsupported-command'));
});

for (const [bound, size] of [
  ['number', 0],
  ['bytes', limits.clientMessageBytes - 100],
] as const) {
  eachTransport(
    test,
    `what waits behind a session’s messages is bounded in ${bound}: what is beyond is unavailable, the rest is answered`,
    async (t, transport) => {
      const { wrapStorage, stored, answer } = silentStore();
      const server = await startApp(t, { transport, env: { RATE_LIMITS: 'off' }, overrides: { wrapStorage } });
      const alice = await server.chat('alice');
      await alice.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
      alice.send({ type: 'message', room_name: 'friends', body: 'pending' });
      await stored;
      const room = size === 0 ? limits.queuedFrames : Math.floor(limits.queuedBytes / size);
      const padding = 'x'.repeat(size);
      for (let n = 0; n < room + 5; n += 1) alice.send({ type: 'list', ref: `r${n}`, padding });
      await alice.delivered();
      answer();
      const answers = (): RawFrame[] => alice.frames.filter(({ ref }) => ref !== undefined);
      await alice.next(() => answers().length === room + 5);
      const codes = answers().map(({ code }) => code);
      t.is(codes.filter((code) => code === 'unavailable').length, 5);
      t.is(codes.filter((code) => code === 'list').length, room);
    },
  );
}
