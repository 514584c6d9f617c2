import { createRequire } from 'node:module';
import { Ajv } from 'ajv';
import test from 'ava';
import { errorCodes, fatalCodes } from '../../src/protocol/errors.ts';
import type { ClientFrame, ServerFrame } from '../../src/protocol/frames.ts';
import { limits } from '../../src/protocol/limits.ts';
import { assertClientFrame, assertServerFrame, asyncapi, documentedMessages, frameFault } from '../support/asyncapi.ts';

type KeyOf<F> = F extends { type: infer T extends string; code: infer C extends string } ? `${T} ${C}` : never;

// The compiler demands one entry for each member of the unions, so a new message is missing here until it is documented.
const serverKeys: Record<KeyOf<ServerFrame>, true> = {
  'notification api-motd': true,
  'notification help': true,
  'notification list': true,
  'notification history': true,
  'notification session': true,
  'notification ping': true,
  'notification logged-out': true,
  'notification server-closing': true,
  'room:notification joined': true,
  'room:notification parted': true,
  'room:notification message': true,
  'room:notification custom': true,
  'room:notification deleted': true,
  'error invalid-format': true,
  'error rate-limited': true,
  'error unsupported-command': true,
  'error room:invalid': true,
  'error room:already-joined': true,
  'error room:not-joined': true,
  'error room:muted': true,
  'error room:empty-message': true,
  'error room:empty-custom': true,
  'error room:message-too-long': true,
  'error ref-reused': true,
  'error unavailable': true,
  'fatal not-authenticated': true,
  'fatal already-chatting': true,
  'fatal kicked': true,
  'fatal resumed-elsewhere': true,
  'fatal session-expired': true,
};
const clientTypes: Record<ClientFrame['type'], true> = {
  help: true,
  list: true,
  join: true,
  part: true,
  message: true,
  custom: true,
  history: true,
};

test('the document is valid AsyncAPI 3.0', (t) => {
  // The copy without $ids: with them, ajv looks the parts up under URLs.
  const schema = createRequire(import.meta.url)('@asyncapi/specs/schemas/3.0.0-without-$id.json') as object;
  const validate = new Ajv({ strict: false, allErrors: true, validateFormats: false }).compile(schema);
  t.true(validate(asyncapi), JSON.stringify(validate.errors?.slice(0, 5), null, 2));
});

test('the server messages are those of the types', (t) => {
  const documented = documentedMessages.filter((m) => m.from === 'server').map((m) => `${m.type} ${m.code}`);
  t.deepEqual(documented.toSorted(), Object.keys(serverKeys).toSorted());
});

test('the client messages are those of the types', (t) => {
  const documented = new Set(documentedMessages.filter((m) => m.from === 'client').map((m) => m.type));
  t.deepEqual([...documented].toSorted(), Object.keys(clientTypes).toSorted());
});

test('every error and fatal of the tables is documented', (t) => {
  const inTables = [
    ...Object.keys(errorCodes).map((code) => `error ${code}`),
    ...Object.keys(fatalCodes).map((code) => `fatal ${code}`),
  ];
  const documented = documentedMessages
    .filter((m) => m.type === 'error' || m.type === 'fatal')
    .map((m) => `${m.type} ${m.code}`);
  t.deepEqual(documented.toSorted(), inTables.toSorted());
});

test('every message stands in the channel and in an operation of its direction', (t) => {
  for (const { name, from } of documentedMessages) {
    const pointer = `#/channels/chat/messages/${name}`;
    t.deepEqual(asyncapi.channels.chat.messages[name], { $ref: `#/components/messages/${name}` });
    const found = Object.values(asyncapi.operations).some((operation) => {
      const messages =
        from === 'server'
          ? [...(operation.action === 'send' ? operation.messages : []), ...(operation.reply?.messages ?? [])]
          : operation.action === 'receive'
            ? operation.messages
            : [];
      return messages.some(({ $ref }) => $ref === pointer);
    });
    t.true(found, name);
  }
});

test('every example is valid, and server messages are closed to other fields', (t) => {
  for (const { name, from, message } of documentedMessages) {
    t.true(message.examples.length > 0, name);
    for (const { payload } of message.examples) {
      t.is(frameFault(from, payload), undefined);
      if (from === 'server') t.not(frameFault(from, { ...payload, extra: 1 }), undefined, name);
    }
  }
});

test('a message that is not as documented is refused with the reason', (t) => {
  const joined = {
    type: 'room:notification',
    code: 'joined',
    user: 'ann',
    room_name: 'r',
    stamp: '2020-09-26 12:12:13',
  };
  const status = { users: [{ name: 'ann', you: true }], messages: [], last_id: 0, epoch: 'e' };
  t.notThrows(() => assertServerFrame({ ...joined, you: true, status }));
  t.throws(() => assertServerFrame({ ...joined, you: true }), { message: /status/ });
  t.throws(() => assertServerFrame({ ...joined, you: false, status }));
  t.throws(() => assertServerFrame({ ...joined, you: false, ref: 'a' }));
  t.throws(() => assertServerFrame({ ...joined, you: false, stamp: '2020-09-26T12:12:13Z' }), { message: /pattern/ });
  t.throws(() => assertServerFrame({ type: 'error', code: 'oops' }), { message: /no such message/ });
  t.throws(() => assertServerFrame('text'), { message: /no such message/ });
  const said = { type: 'room:notification', code: 'message', you: true, user: 'a', room_name: 'r', body: 'b', id: 1 };
  t.throws(() => assertServerFrame({ ...said, id: 0, stamp: '2020-09-26 12:12:13' }));
  t.throws(() => assertServerFrame({ ...said, stamp: '2020-09-26 12:12:13', repeat: true }));
  t.throws(() => assertClientFrame({ type: 'message', room_name: 'r', body: 'b', command: 'c', payload: 'p' }));
  t.throws(() => assertClientFrame({ type: 'join', room_name: 'r', since: '4' }));
});

test('the bounds in the schemas are those of the code', (t) => {
  const schemas = asyncapi.components.schemas as Record<string, { maxLength?: number }>;
  t.is(schemas.Ref?.maxLength, limits.refLength);
  t.is(schemas.RoomName?.maxLength, limits.roomNameLength);
  t.is(schemas.UserName?.maxLength, limits.usernameLength);
  const bound = (name: string, property: string, keyword: string): unknown => {
    const schema = asyncapi.components.messages[name]?.payload.properties[property];
    return typeof schema === 'object' ? (schema as Record<string, unknown>)[keyword] : undefined;
  };
  t.is(bound('roomCustom', 'command', 'maxLength'), limits.commandLength);
  t.is(bound('roomCustom', 'payload', 'maxLength'), limits.payloadLength);
  t.is(bound('session', 'session', 'maxLength'), limits.sessionIdLength);
  t.is(bound('historyAnswer', 'messages', 'maxItems'), limits.historyMessages);
  const status = asyncapi.components.schemas.RoomStatus as { properties: { messages: { maxItems: number } } };
  t.is(status.properties.messages.maxItems, limits.sinceMessages);
});
