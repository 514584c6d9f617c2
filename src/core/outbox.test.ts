import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { createChance } from '../../test/support/chaos.ts';
import { keptOf } from '../../test/support/garbage.ts';
import { limits } from '../protocol/limits.ts';
import { Outbox } from './outbox.ts';
import type { EncodedFrame, Transport } from './transport.ts';

function frame(size: number): EncodedFrame {
  return { bytes: Buffer.alloc(size) };
}

/** A transport that takes everything at once, or keeps what it gets. */
function openLine(keeps = false): { transport: Transport; numbers: number[] } {
  const numbers: number[] = [];
  let unwritten = 0;
  const transport: Transport = {
    kind: 'sse',
    unwritten: () => unwritten,
    write(frames, first) {
      for (const [index, { bytes }] of frames.entries()) {
        numbers.push((first?.n ?? 0) + index);
        if (keeps) unwritten += bytes.length;
      }
    },
    refuse() {},
    close() {},
    ping() {},
  };
  return { transport, numbers };
}

function filled(sizes: readonly number[], maxBytes = 1000): Outbox {
  const outbox = new Outbox('s', maxBytes);
  for (const size of sizes) outbox.push([frame(size)]);
  return outbox;
}

test('messages are numbered from 1, and one that was presented is not written again', (t) => {
  const outbox = filled([1, 1, 1]);
  const [first, second] = [openLine(), openLine()];
  outbox.writeTo(first.transport);
  t.deepEqual(first.numbers, [1, 2, 3]);
  t.false(outbox.hasUnsent);
  outbox.push([frame(10)]);
  t.is(outbox.rewind(2), 1);
  t.is(outbox.rewind(2), 0);
  outbox.writeTo(second.transport);
  t.deepEqual(second.numbers, [3, 4]);
});

test('a list that is all there is goes to the connection as it is, and several as one', (t) => {
  const [one, other] = [filled([]), filled([1])];
  const written: (readonly EncodedFrame[])[] = [];
  const transport: Transport = { ...openLine().transport, write: (frames) => written.push(frames) };
  const [list, next] = [
    [frame(1), frame(2)],
    [frame(3), frame(4)],
  ];
  one.push(list);
  one.writeTo(transport);
  t.is(written[0], list);
  other.push(list);
  other.push(next);
  other.writeTo(transport);
  t.deepEqual(
    written[1]?.map(({ bytes }) => bytes.length),
    [1, 1, 2, 3, 4],
  );
  one.push(next);
  one.rewind(1);
  one.writeTo(transport);
  t.deepEqual(written[2], [...list.slice(1), ...next]);
});

test('a client can go on from what it presented up to what was sent, and from nowhere else', (t) => {
  const outbox = filled([1, 1, 1]);
  t.true(outbox.reaches(0));
  t.false(outbox.reaches(1));
  outbox.writeTo(openLine().transport);
  outbox.push([frame(1)]);
  t.deepEqual(
    [0, 1, 3, 4].map((n) => outbox.reaches(n)),
    [true, true, true, false],
  );
  outbox.rewind(2);
  t.deepEqual(
    [1, 2, 3, 4].map((n) => outbox.reaches(n)),
    [false, true, true, false],
  );
});

test('a connection gets no more once it has 64 KiB unwritten, and a message is never cut', (t) => {
  const outbox = filled([40_000, 20_000, 20_000, 100_000, 1], 1_000_000);
  const stalled = openLine(true);
  outbox.writeTo(stalled.transport);
  t.deepEqual(stalled.numbers, [1, 2, 3]);
  outbox.rewind(3);
  const next = openLine(true);
  outbox.writeTo(next.transport);
  t.deepEqual(next.numbers, [4]);
});

test('the oldest sent messages fall out of a full outbox, unsent and unwritten ones do not', (t) => {
  const outbox = filled([300, 300, 300, 300]);
  t.true(outbox.isOver);
  outbox.trim(0);
  t.true(outbox.isOver, 'nothing was sent');
  outbox.writeTo(openLine().transport);
  outbox.trim(1200);
  t.true(outbox.isOver, 'nothing was taken');
  outbox.trim(0);
  t.false(outbox.isOver);
  t.deepEqual(
    [0, 1].map((n) => outbox.reaches(n)),
    [false, true],
  );
});

test('a single message larger than the outbox stands alone in it', (t) => {
  const outbox = filled([300, 5000]);
  outbox.writeTo(openLine().transport);
  outbox.trim(0);
  t.false(outbox.isOver);
  t.true(outbox.reaches(1));
  t.false(outbox.reaches(0));
});

test('what a lost connection had not taken is unsent again', (t) => {
  const outbox = filled([100, 100, 100, 100]);
  outbox.writeTo(openLine().transport);
  outbox.rewind(1);
  outbox.writeTo(openLine().transport);
  outbox.giveBack(150);
  const next = openLine();
  outbox.writeTo(next.transport);
  t.deepEqual(next.numbers, [3, 4]);
  outbox.giveBack(Number.POSITIVE_INFINITY);
  outbox.writeTo(next.transport);
  t.deepEqual(next.numbers, [3, 4, 2, 3, 4]);
});

test('a connection that had taken everything gives nothing back', (t) => {
  const outbox = filled([100, 100]);
  outbox.writeTo(openLine().transport);
  outbox.giveBack(0);
  t.false(outbox.hasUnsent);
});

test('an answer fits beside what is unsent, and beside what the connection may hold without saying so', (t) => {
  const { transportBytes } = limits;
  const outbox = new Outbox('s', transportBytes + 100);
  const fits = (bytes: number, unwritten: number): boolean => outbox.hasRoomFor(bytes, unwritten);
  // A poll that was answered takes nothing any more.
  for (const unwritten of [0, transportBytes, Number.POSITIVE_INFINITY]) {
    t.true(fits(100, unwritten), `${unwritten}`);
    t.false(fits(101, unwritten), `${unwritten}`);
  }
  outbox.push([frame(10)]);
  t.true(fits(90, 0));
  t.false(fits(91, 0));
  t.true(fits(80, transportBytes + 10));
  t.false(fits(81, transportBytes + 10));
});

test('what was sent long ago is let go, what is unsent never', (t) => {
  const outbox = filled([1, 1]);
  outbox.writeTo(openLine().transport);
  outbox.push([frame(1)]);
  outbox.age(0);
  outbox.age(limits.outboxAgeMs - 1);
  t.true(outbox.reaches(0));
  outbox.age(limits.outboxAgeMs);
  t.false(outbox.reaches(1));
  t.true(outbox.reaches(2));
  const next = openLine();
  outbox.writeTo(next.transport);
  t.deepEqual(next.numbers, [3]);
});

test('a long life leaves no more behind than what is kept', (t) => {
  const outbox = new Outbox('s', 1000);
  const { transport, numbers } = openLine();
  for (let n = 0; n < 10_000; n += 1) {
    outbox.push([frame(100)]);
    outbox.writeTo(transport);
    outbox.trim(0);
  }
  t.is(numbers.length, 10_000);
  t.deepEqual(
    [9_989, 9_990, 10_000].map((n) => outbox.reaches(n)),
    [false, true, true],
  );
});

/** Bytes of the heap that are in use. */
function heapInUse(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  return process.memoryUsage().heapUsed;
}

test('an outbox does not grow with the lists that it has let go', (t) => {
  const turns = 500_000;
  const outbox = new Outbox('s', 1000);
  const transport: Transport = { ...openLine().transport, write() {} };
  const list = [frame(100)];
  const before = heapInUse();
  for (let n = 0; n < turns; n += 1) {
    outbox.push(list);
    outbox.writeTo(transport);
    outbox.trim(0);
  }
  // A place in an array has eight bytes.
  const grown = heapInUse() - before;
  t.true(grown < turns * 4, `${grown} bytes`);
  t.true(outbox.reaches(turns));
});

test('an outbox gives back the places that a busy hour needed', (t) => {
  // Kept, they would be 8 MB; what else the process does meanwhile has been 160 KB.
  const turns = 1_000_000;
  const outbox = new Outbox('s', turns);
  const list = [frame(1)];
  const before = heapInUse();
  for (let n = 0; n < turns; n += 1) outbox.push(list);
  outbox.writeTo({ ...openLine().transport, write() {} });
  outbox.rewind(turns - 2);
  const grown = heapInUse() - before;
  t.true(grown < turns, `${grown} bytes`);
  t.is(outbox.export().frames.length, 2);
});

/** Writes from an outbox to a connection with so much room. Returns what it got, by the numbers. */
function takenBy(outbox: Outbox, room: number): { n: number; text: string }[] {
  const taken: { n: number; text: string }[] = [];
  let unwritten = limits.transportBytes - room;
  outbox.writeTo({
    ...openLine().transport,
    unwritten: () => unwritten,
    write(frames, first) {
      for (const [index, { bytes }] of frames.entries()) {
        taken.push({ n: (first?.n ?? 0) + index, text: bytes.toString() });
        unwritten += bytes.length;
      }
    },
  });
  return taken;
}

test('lists come and go many times round: all are written in order, and the newest are kept', (t) => {
  const chance = createChance(7);
  const upTo = (most: number): number => Math.floor(chance() * (most + 1));
  const outbox = new Outbox('s', 400);
  const all: string[] = [];
  let presented = 0;
  let sent = 0;
  for (let round = 0; round < 3000; round += 1) {
    // Sizes differ within a list, so that it matters whose is counted.
    const list = Array.from({ length: 1 + upTo(3) }, (_, index) => `"${'x'.repeat(upTo(3))}${all.length + index}"`);
    all.push(...list);
    outbox.push(list.map((text) => ({ bytes: Buffer.from(text) })));
    const taken = chance() < 0.6 ? takenBy(outbox, upTo(80)) : [];
    t.deepEqual(
      taken,
      taken.map((_, index) => ({ n: sent + 1 + index, text: all[sent + index] })),
    );
    sent += taken.length;
    const oldest = all.length - outbox.export().frames.length;
    if (chance() < 0.2) {
      const lost = upTo(40);
      outbox.giveBack(lost);
      for (let left = lost; left > 0 && sent > oldest; sent -= 1) left -= (all[sent - 1] as string).length;
    }
    if (chance() < 0.05) {
      presented = Math.max(oldest, sent - upTo(20));
      outbox.rewind(presented);
      sent = presented;
    }
    outbox.trim(upTo(40));
    const { frames, last, sent: written } = outbox.export();
    t.deepEqual([last, written], [all.length, sent]);
    t.deepEqual(frames, all.slice(all.length - frames.length));
    // Of at most ten bytes each.
    t.true(frames.length >= Math.min(all.length - presented, 40), `${frames.length} are kept`);
  }
});

test('what is written once more counts as unwritten once more, and is not let go before it is taken', (t) => {
  for (const again of ['rewind', 'giveBack'] as const) {
    const outbox = filled([300, 300, 300, 300]);
    outbox.writeTo(openLine().transport);
    if (again === 'rewind') outbox.rewind(0);
    else outbox.giveBack(Number.POSITIVE_INFINITY);
    outbox.writeTo(openLine().transport);
    outbox.trim(1200);
    t.true(outbox.isOver, again);
    outbox.trim(0);
    t.false(outbox.isOver, again);
  }
});

test('what was sent over an earlier connection can be presented, also when a later one got less', (t) => {
  const outbox = filled([1, limits.transportBytes, 1], limits.outboxBytes);
  outbox.writeTo(openLine().transport);
  outbox.rewind(1);
  outbox.writeTo(openLine(true).transport);
  t.true(outbox.hasUnsent);
  t.true(outbox.reaches(3));
  t.false(outbox.reaches(4));
});

test('what has to be written again is not let go for its age', (t) => {
  const outbox = filled([1, 1]);
  outbox.writeTo(openLine().transport);
  outbox.age(0);
  outbox.rewind(0);
  outbox.age(limits.outboxAgeMs);
  const next = openLine();
  outbox.writeTo(next.transport);
  t.deepEqual(next.numbers, [1, 2]);
});

test('what had arrived although its connection was cut in time is not counted as written less', (t) => {
  const outbox = filled([20, 20]);
  outbox.writeTo(openLine().transport);
  outbox.giveBack(40);
  t.is(outbox.rewind(1), 0);
});

test('an outbox goes on from its export with its numbers, and with what was unsent', (t) => {
  const outbox = filled([1, 2, 3, 4]);
  outbox.writeTo(openLine().transport);
  outbox.rewind(1);
  outbox.writeTo(openLine().transport);
  outbox.push([{ bytes: Buffer.from('"é"') }]);
  const copy = new Outbox('s', 1000, outbox.export());
  t.deepEqual(copy.export(), outbox.export());
  t.deepEqual(
    [0, 1, 4, 5].map((n) => copy.reaches(n)),
    [false, true, true, false],
  );
  const line = openLine();
  copy.writeTo(line.transport);
  t.deepEqual(line.numbers, [5]);
  t.is(copy.rewind(2), 11);
});

test('what was given back when its connection was cut can be presented elsewhere: it may have arrived', (t) => {
  const outbox = filled([1, 1, 1]);
  outbox.writeTo(openLine().transport);
  outbox.giveBack(2);
  const copy = new Outbox('s', 1000, outbox.export());
  t.true(copy.reaches(3));
  t.is(copy.rewind(3), 0);
  t.false(copy.hasUnsent);
});

test('an outbox that came from elsewhere holds no message longer than it keeps it', async (t) => {
  const origin = filled([1, 1, 1]);
  origin.writeTo(openLine().transport);
  const outbox = new Outbox('s', 1000, origin.export());
  outbox.rewind(0);
  const written: WeakRef<EncodedFrame>[] = [];
  const transport: Transport = {
    ...openLine().transport,
    write: (frames) => void written.push(...frames.map((one) => new WeakRef(one))),
  };
  outbox.writeTo(transport);
  outbox.rewind(2);
  t.is((await keptOf(written)).length, 1);
});
