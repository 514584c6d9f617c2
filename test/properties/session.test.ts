/**
 * A session and its outbox against a model: whatever is pushed, cut, stalled, waited and resumed over whatever transport,
 * here or on another node, the client gets each message once and in order, for as long as its session goes on; and where
 * it does not, the model knows why.
 */
import assert from 'node:assert/strict';
import test from 'ava';
import fc from 'fast-check';
import { readSessionExport } from '../../src/core/session-state.ts';
import type { ConnectionEvents, EncodedFrame, Transport, TransportKind } from '../../src/core/transport.ts';
import { limits } from '../../src/protocol/limits.ts';
import { openSessionWorld, worldPrincipal } from '../support/session-world.ts';

const outboxBytes = 300_000;
const largestFrame = 30_000;

/** A line to the client: what was written waits until the client takes it. */
class Line implements Transport {
  readonly kind: TransportKind;
  events: ConnectionEvents | undefined;
  wire: number[] = [];
  #bytes = 0;
  isOver = false;
  wasBlocked = false;

  constructor(kind: TransportKind) {
    this.kind = kind;
  }

  unwritten(): number {
    return this.isOver && this.kind === 'poll' ? Number.POSITIVE_INFINITY : this.#bytes;
  }

  write(frames: readonly EncodedFrame[], first?: { n: number }): void {
    if (this.isOver || first === undefined) return;
    for (const [index, { bytes }] of frames.entries()) {
      this.wire.push(first.n + index);
      this.#bytes += bytes.length;
    }
    if (this.#bytes >= limits.transportBytes) this.wasBlocked = true;
  }

  refuse(): void {
    this.isOver = true;
  }

  close(): void {
    this.isOver = true;
  }

  ping(): void {}

  /** The client reads the first `count` of what is on the wire. */
  take(count: number): number[] {
    const taken = this.wire.splice(0, count);
    if (this.wire.length > 0) return taken;
    this.#bytes = 0;
    if (this.kind === 'poll' && taken.length > 0) {
      this.isOver = true;
      this.events?.onClose(false);
    } else if (this.wasBlocked) {
      this.wasBlocked = false;
      this.events?.onDrain();
    }
    return taken;
  }
}

const kind = fc.constantFrom<TransportKind>('websocket', 'sse', 'poll');
const step = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      do: fc.constant('push' as const),
      sizes: fc.array(fc.oneof(fc.integer({ min: 20, max: 500 }), fc.integer({ min: 20, max: largestFrame })), {
        minLength: 1,
        maxLength: 12,
      }),
    }),
  },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('take' as const), count: fc.integer({ min: 1, max: 50 }) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('cut' as const) }) },
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant('resume' as const), kind, how: fc.constantFrom('here', 'moved', 'stayed') }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 20_000 }) }) },
);

test('a client gets each message of its session once and in order, over whatever transports it comes back', (t) => {
  let resumed = 0;
  let refused = 0;
  let moved = 0;
  fc.assert(
    fc.property(kind, fc.array(step, { minLength: 1, maxLength: 60, size: 'max' }), (firstKind, steps) => {
      const { session: first, timers, endTurn, importSession } = openSessionWorld(outboxBytes);
      let session = first;
      let line = new Line(firstKind);
      line.events = session.begin(line);
      const sizes: number[] = [];
      let received = 0;
      /** Of these, those that the session could notice: a line that it has given up still brings what was on it. */
      let noticed = 0;
      /** Time since the client was last heard of, and the most that a session is kept without it. */
      let silentMs = 0;
      const take = (count: number): void => {
        const wasOver = line.isOver;
        for (const n of line.take(count)) {
          received += 1;
          assert.equal(n, received);
        }
        if (wasOver) return;
        noticed = received;
        silentMs = 0;
      };
      for (const action of steps) {
        if (action.do === 'push') {
          sizes.push(...action.sizes);
          session.push(action.sizes.map((size) => ({ bytes: Buffer.alloc(size) })));
          endTurn();
        } else if (action.do === 'take') {
          take(action.count);
        } else if (action.do === 'cut') {
          line.isOver = true;
          line.wire = [];
          line.events?.onClose(false);
        } else if (action.do === 'wait') {
          silentMs += action.ms;
          timers.advance(action.ms);
          endTurn();
        } else {
          const next = new Line(action.kind);
          if (action.how !== 'here' && session.reaches(received)) {
            session.beginMove(received);
            assert.ok(line.isOver && session.resume(next, worldPrincipal, received) === undefined);
            const state = readSessionExport(JSON.parse(JSON.stringify(session.export())));
            assert.ok(state !== undefined);
            if (action.how === 'stayed') session.stay();
            else session = importSession(state);
            moved += action.how === 'moved' ? 1 : 0;
          }
          const events = session.resume(next, worldPrincipal, received);
          const missed = sizes.slice(noticed).reduce((sum, size) => sum + size, 0);
          if (events === undefined) {
            refused += 1;
            // One frame may be over the bound, and the answer to a poll counts until the next poll shows that it came.
            const isOverflow = missed > outboxBytes - largestFrame - (limits.transportBytes + largestFrame);
            assert.ok(isOverflow || silentMs >= limits.drainMs, `refused at ${received} of ${sizes.length}`);
            return;
          }
          resumed += 1;
          next.events = events;
          line = next;
          noticed = received;
          silentMs = 0;
        }
        if (line.kind !== 'poll' || !line.isOver) {
          assert.ok(line.unwritten() < limits.transportBytes + largestFrame);
        }
      }
      // Everybody who comes back takes all there is.
      for (let round = 0; session.isOpen && round < 200 && received < sizes.length; round += 1) {
        const next = new Line(firstKind);
        const events = session.resume(next, worldPrincipal, received);
        if (events === undefined) return;
        next.events = events;
        line = next;
        take(1000);
      }
      if (session.isOpen) assert.equal(received, sizes.length);
    }),
    { numRuns: 1000, includeErrorInReport: true },
  );
  t.true(resumed > 1000 && refused > 50 && moved > 300, `${resumed} resumed, ${refused} refused, ${moved} moved`);
});
