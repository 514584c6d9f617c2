/**
 * The messages of one turn as server-sent events (WHATWG HTML §9.2), in one chunk of an HTTP body (RFC 9112 §7.1). Their
 * receivers use the same bytes one after the other: only the ids are each one's own, the first written for each of them
 * and the others counted up from it. It knows no connection.
 */
import type { Cursor } from '../core/cursor.ts';
import type { EncodedFrame } from '../core/transport.ts';

/** Layouts remembered: of what a room shows to all, with ids of two lengths, and of what it shows to who caused it. */
const remembered = 3;
/** Bytes of one that is remembered: about what a connection is given at once, but for a single longer message. */
const rememberedBytes = 65_536;
const digitZero = 48;
const digitNine = 57;
const fullStop = 46;

type Layout = {
  readonly frames: readonly EncodedFrame[];
  /** Characters of each id; 0: there are none. */
  readonly idLength: number;
  readonly chunk: Buffer;
  /** Where the ids begin. */
  readonly places: readonly number[];
};

export interface EventLayout {
  /**
   * The chunk with an event for each frame, one at least. `first`: the cursor after the first of them; undefined: events
   * without ids, whose client keeps the one that it has. Good until the next call.
   */
  chunkOf(frames: readonly EncodedFrame[], first: Cursor | undefined): Buffer;
  /** What `chunkOf` gave last is needed for longer: it is not written into again. */
  keep(): void;
}

export function createEventLayout(): EventLayout {
  /** The one that was used last is the first. */
  let layouts: Layout[] = [];
  let latest: Layout | undefined;
  return {
    chunkOf(frames, first) {
      const idLength = idLengthOf(first, 0);
      // Where a digit is added in the middle, the ids do not fit into the places of others.
      const isEven = idLength === idLengthOf(first, frames.length - 1);
      const isSame = (known: Layout): boolean => known.frames === frames && known.idLength === idLength;
      latest = (isEven ? layouts.find(isSame) : undefined) ?? layOut(frames, first);
      if (isEven && latest !== layouts[0] && latest.chunk.length <= rememberedBytes)
        layouts = [latest, ...layouts.filter((other) => other !== latest).slice(0, remembered - 1)];
      if (first !== undefined && isEven) countIds(latest, first);
      else if (first !== undefined) writeIds(latest, first);
      return latest.chunk;
    },
    keep() {
      layouts = layouts.filter((other) => other !== latest);
    },
  };
}

function layOut(frames: readonly EncodedFrame[], first: Cursor | undefined): Layout {
  const data = first === undefined ? 'data: ' : '\ndata: ';
  const id = first === undefined ? '' : 'id: ';
  const sizes = frames.map(({ bytes }, index) => id.length + idLengthOf(first, index) + data.length + bytes.length + 2);
  const size = sizes.reduce((sum, each) => sum + each, 0);
  const head = `${size.toString(16)}\r\n`;
  const chunk = Buffer.allocUnsafe(head.length + size + 2);
  const places: number[] = [];
  let end = chunk.write(head, 0, 'latin1');
  for (const [index, { bytes }] of frames.entries()) {
    end += chunk.write(id, end, 'latin1');
    places.push(end);
    end += idLengthOf(first, index);
    end += chunk.write(data, end, 'latin1');
    end += bytes.copy(chunk, end);
    end += chunk.write('\n\n', end, 'latin1');
  }
  chunk.write('\r\n', end, 'latin1');
  return { frames, idLength: idLengthOf(first, 0), chunk, places };
}

/** Ids of which the later ones are longer. */
function writeIds({ chunk, places }: Layout, { session, n }: Cursor): void {
  for (const [index, place] of places.entries()) writeId(chunk, place, session, n + index);
}

/** Character by character: a call of `Buffer.write` would cost more than its thirty characters. */
function writeId(chunk: Buffer, place: number, session: string, n: number): void {
  let at = place;
  for (let index = 0; index < session.length; index += 1) chunk[at++] = session.charCodeAt(index);
  chunk[at] = fullStop;
  at += digitsOf(n);
  for (let rest = n; rest > 0; at -= 1) {
    chunk[at] = digitZero + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}

/** Ids of one length: the first is written, each other one copied from the one before and counted up, in a third of the time. */
function countIds({ chunk, idLength, places }: Layout, { session, n }: Cursor): void {
  let from = places[0] as number;
  writeId(chunk, from, session, n);
  for (let index = 1; index < places.length; index += 1) {
    const to = places[index] as number;
    chunk.copyWithin(to, from, from + idLength);
    countUp(chunk, to + idLength - 1);
    from = to;
  }
}

/** The decimal number that ends there, which has no more digits afterwards. */
function countUp(chunk: Buffer, end: number): void {
  let at = end;
  for (; chunk[at] === digitNine; at -= 1) chunk[at] = digitZero;
  chunk[at] = (chunk[at] as number) + 1;
}

/** Characters of the id of the message that comes so many after the first. */
function idLengthOf(first: Cursor | undefined, after: number): number {
  return first === undefined ? 0 : first.session.length + 1 + digitsOf(first.n + after);
}

/** `n`: above 0. */
function digitsOf(n: number): number {
  let digits = 1;
  for (let bound = 10; n >= bound; bound *= 10) digits += 1;
  return digits;
}
