import test, { type ExecutionContext } from 'ava';
import fc from 'fast-check';
import { type Decoded, decodeClientFrame, decodeClientValue } from '../../src/protocol/codec.ts';
import type { ClientFrame } from '../../src/protocol/frames.ts';
import { limits } from '../../src/protocol/limits.ts';
import { isStorable, isStorableJson } from '../../src/protocol/text.ts';

const text = fc.string({ unit: 'grapheme' }).filter(isStorable);
const id = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
const ref = fc
  .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
  .filter((value) => isStorable(value) && value.length >= 1 && value.length <= limits.refLength);
/** Any UTF-16 units: lone surrogates and NULs too. */
const units = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
  .map((codes) => String.fromCharCode(...codes));

const frame: fc.Arbitrary<ClientFrame> = fc.oneof(
  fc.record({ type: fc.constant('help' as const), ref }, { requiredKeys: ['type'] }),
  fc.record({ type: fc.constant('list' as const), ref }, { requiredKeys: ['type'] }),
  fc.record(
    { type: fc.constant('join' as const), room_name: text, since: id, epoch: text, ref },
    { requiredKeys: ['type', 'room_name'] },
  ),
  fc.record({ type: fc.constant('part' as const), room_name: text, ref }, { requiredKeys: ['type', 'room_name'] }),
  fc.record(
    { type: fc.constant('message' as const), room_name: text, body: text, ref },
    { requiredKeys: ['type', 'room_name', 'body'] },
  ),
  fc.record(
    { type: fc.constant('custom' as const), room_name: text, command: text, payload: text, ref },
    { requiredKeys: ['type', 'room_name', 'command', 'payload'] },
  ),
  fc.record(
    {
      type: fc.constant('history' as const),
      room_name: text,
      before: id,
      limit: fc.integer({ min: 1, max: limits.historyMessages }),
      ref,
    },
    { requiredKeys: ['type', 'room_name'] },
  ),
);

/** Values that are nearly messages: the right keys, anything in them. */
const nearly = fc.dictionary(
  fc.oneof(
    fc.constantFrom('type', 'room_name', 'body', 'command', 'payload', 'ref', 'since', 'epoch', 'before', 'limit'),
    fc.constantFrom('__proto__', 'constructor', 'toString'),
    units,
  ),
  fc.oneof(
    fc.constantFrom('help', 'list', 'join', 'part', 'message', 'custom', 'history', 'toString', '__proto__'),
    units,
    fc.jsonValue(),
  ),
);

/** The promises that hold for any answer of the codec. */
function assertSound(t: ExecutionContext, decoded: Decoded): void {
  switch (decoded.kind) {
    case 'frame':
      t.true(isStorableJson(decoded.frame));
      // What was accepted is accepted again, as it is.
      t.deepEqual(decodeClientFrame(JSON.stringify(decoded.frame)), decoded);
      return;
    case 'invalid':
    case 'unsupported': {
      t.true(decoded.ref === undefined || (isStorable(decoded.ref) && decoded.ref.length <= limits.refLength));
      const allowed = decoded.kind === 'invalid' ? ['kind', 'ref'] : ['kind', 'type', 'ref'];
      t.true(Object.keys(decoded).every((key) => allowed.includes(key)));
      return;
    }
  }
}

test('any text is decoded to one of three kinds, and nothing throws', (t) => {
  fc.assert(fc.property(fc.oneof(fc.string(), units, fc.json()), (input) => assertSound(t, decodeClientFrame(input))));
  t.pass();
});

test('any JSON value decodes to the same from its text as from itself', (t) => {
  const spell = fc.constantFrom(
    (value: unknown) => JSON.stringify(value),
    // As clients do that send ASCII only: every other character by its number.
    (value: unknown) =>
      JSON.stringify(value).replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`),
    // With raw lone surrogates, as no UTF-8 transport can bring them.
    (value: unknown) =>
      JSON.stringify(value).replace(/\\u(d[89a-f][0-9a-f]{2})/g, (_match, code: string) =>
        String.fromCharCode(Number.parseInt(code, 16)),
      ),
  );
  fc.assert(
    fc.property(fc.oneof(nearly, fc.jsonValue()), spell, (value, write) => {
      const written = write(value);
      const decoded = decodeClientFrame(written);
      assertSound(t, decoded);
      t.deepEqual(decodeClientValue(JSON.parse(written)), decoded);
    }),
    { numRuns: 500 },
  );
});

test('every valid message round-trips, whatever unknown fields stand beside it', (t) => {
  const others = fc.dictionary(
    text.map((key) => `x-${key}`),
    fc.jsonValue().filter(isStorableJson),
  );
  fc.assert(
    fc.property(frame, others, (sent, extra) => {
      t.deepEqual(decodeClientFrame(JSON.stringify({ ...extra, ...sent })), { kind: 'frame', frame: sent });
    }),
  );
});

test('both forms of a command decode to the same', (t) => {
  const command = fc.record(
    { room_name: text, command: text, payload: text, ref },
    { requiredKeys: ['room_name', 'command', 'payload'] },
  );
  fc.assert(
    fc.property(command, (fields) => {
      const long = decodeClientFrame(JSON.stringify({ type: 'message', ...fields }));
      t.deepEqual(long, { kind: 'frame', frame: { type: 'custom', ...fields } });
      t.deepEqual(decodeClientFrame(JSON.stringify({ type: 'custom', ...fields })), long);
    }),
  );
});

test('one bad character in any string makes a valid message invalid, and the ref comes back', (t) => {
  const bad = fc.constantFrom('\0', '\ud800', '\udbff', '\udc00', '\udfff');
  fc.assert(
    fc.property(frame, text, bad, text, fc.boolean(), (sent, before, character, after, asKey) => {
      const spoilt = `${before}${character}${after}`;
      const message = { ...sent, ...(asKey ? { [spoilt]: 1 } : { other: [spoilt] }) };
      const expected = sent.ref === undefined ? { kind: 'invalid' } : { kind: 'invalid', ref: sent.ref };
      t.deepEqual<object, object>(decodeClientFrame(JSON.stringify(message)), expected);
    }),
  );
});

test('any type that is not known is unsupported and comes back, with the ref', (t) => {
  const known = ['help', 'list', 'join', 'part', 'message', 'custom', 'history'];
  const type = fc.oneof(text, fc.constantFrom(...Object.getOwnPropertyNames(Object.prototype)));
  fc.assert(
    fc.property(
      type.filter((value) => !known.includes(value)),
      ref,
      (value, key) => {
        t.deepEqual(decodeClientValue({ type: value, ref: key, room_name: 1 }), {
          kind: 'unsupported',
          type: value,
          ref: key,
        });
      },
    ),
  );
});
