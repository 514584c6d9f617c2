/**
 * One TCP connection carried through the proxy, with what is done to it on the way: late, in pieces, stalled, cut. Owns
 * two sockets and the bytes between them; knows nothing of HTTP. What a shape leaves out is not done.
 */
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { reset } from '../support/tcp-proxy.ts';

export type Direction = 'up' | 'down' | 'both';
export type CutManner = 'reset' | 'end';

export type Shape = {
  /** What comes first reaches the target whole and at once, so that its sender can't have given it up by then. */
  firstAtOnce?: boolean;
  /** Each chunk waits so many milliseconds. */
  delayMs?: () => number;
  /** Chunks are written in pieces of so many bytes, each in a packet of its own where the system sends it at once. */
  pieceBytes?: number;
  /** From this many milliseconds on nothing passes, neither bytes nor an end, for a while. */
  stall?: { direction: Direction; afterMs: number; forMs: number };
  /** The end: after so many milliseconds, or before the byte of that number in a direction. */
  cut?: { manner: CutManner; afterMs: number } | { manner: CutManner; direction: 'up' | 'down'; afterBytes: number };
  /** A cut leaves the target's side open and silent for so long. */
  halfOpenMs?: number;
};

export type Flow = {
  /** Ends what the shape has still in store: stalls are over, nothing is cut any more. */
  calm(): void;
  /** Resets both sides. */
  destroy(): void;
  /** Resolves when both sides are closed. */
  readonly closed: Promise<void>;
};

/** A chunk in pieces becomes no more than this many: what matters is that a message is split, not how often. */
const maxPieces = 60;

/** `first`: what is written to the target before anything else. `onFault` is called when something is done. */
export function carry(
  client: Socket,
  target: Socket,
  first: Buffer,
  shape: Shape,
  onFault: (name: string) => void,
): Flow {
  const timers = new Set<NodeJS.Timeout>();
  const stalls = { up: openGate(), down: openGate() };
  let current: Shape = shape;
  let isCut = false;
  const after = (ms: number, run: () => void): void => {
    const timer = setTimeout(() => {
      timers.delete(timer);
      run();
    }, ms);
    timers.add(timer);
  };

  const cut = (manner: CutManner): void => {
    if (isCut || client.destroyed) return;
    isCut = true;
    onFault(current.halfOpenMs === undefined ? `cut by ${manner}` : 'half-open');
    endSocket(client, manner);
    if (current.halfOpenMs === undefined) endSocket(target, manner);
    else after(current.halfOpenMs, () => reset(target));
  };

  const { stall, cut: planned } = shape;
  if (planned !== undefined && 'afterMs' in planned) after(planned.afterMs, () => cut(planned.manner));
  if (stall !== undefined) {
    const directions = (['up', 'down'] as const).filter((way) => stall.direction === 'both' || stall.direction === way);
    after(stall.afterMs, () => {
      if (client.destroyed) return;
      onFault(`stall ${stall.direction}`);
      for (const way of directions) stalls[way].shut();
    });
    after(stall.afterMs + stall.forMs, () => {
      for (const way of directions) stalls[way].open();
    });
  }

  /** Before how many more bytes the connection is cut. */
  const left = { up: Number.POSITIVE_INFINITY, down: Number.POSITIVE_INFINITY };
  if (planned !== undefined && 'afterBytes' in planned) left[planned.direction] = planned.afterBytes;

  const pass = async (way: 'up' | 'down', to: Socket, chunk: Buffer): Promise<void> => {
    if (current.delayMs !== undefined) await delay(current.delayMs());
    await stalls[way].wait();
    if (isCut) return;
    const allowed = chunk.subarray(0, Math.max(0, left[way]));
    left[way] -= chunk.length;
    for (const piece of inPieces(allowed, current.pieceBytes)) {
      if (to.destroyed || !to.writable) return;
      // A piece goes out by itself only when the system gets the next one later.
      if (!to.write(piece)) await Promise.race([once(to, 'drain'), once(to, 'close')]);
      else if (piece.length < allowed.length) await delay(1);
    }
    if (left[way] < 0 && planned !== undefined) cut(planned.manner);
  };
  const pump = async (way: 'up' | 'down', from: Socket, to: Socket): Promise<void> => {
    try {
      if (way === 'up' && shape.firstAtOnce === true) target.write(first);
      else if (way === 'up') await pass('up', to, first);
      for await (const chunk of from) await pass(way, to, chunk as Buffer);
      await stalls[way].wait();
      if (!isCut) to.end();
    } catch {
      // Reset by one side: the other side sees the same, unless a cut leaves it open.
      await stalls[way].wait();
      if (!isCut) reset(to);
    }
  };
  client.setNoDelay(true);
  target.setNoDelay(true);
  // A socket without a listener for its errors would end the process; the pumps see the close that follows.
  client.on('error', () => {});
  target.on('error', () => {});
  const closed = Promise.all([closeOf(client), closeOf(target)]).then(() => {
    for (const timer of timers) clearTimeout(timer);
  });
  void pump('up', client, target);
  void pump('down', target, client);

  const calm = (): void => {
    for (const timer of timers) clearTimeout(timer);
    timers.clear();
    current = {};
    left.up = Number.POSITIVE_INFINITY;
    left.down = Number.POSITIVE_INFINITY;
    stalls.up.open();
    stalls.down.open();
    if (isCut) target.destroy();
  };
  return {
    closed,
    calm,
    destroy() {
      calm();
      isCut = true;
      reset(client);
      reset(target);
    },
  };
}

export function endSocket(socket: Socket, manner: CutManner): void {
  if (manner === 'reset') reset(socket);
  else socket.destroySoon();
}

function closeOf(socket: Socket): Promise<unknown> {
  return socket.closed ? Promise.resolve() : new Promise((resolve) => socket.once('close', resolve));
}

function* inPieces(chunk: Buffer, bytes: number | undefined): Generator<Buffer> {
  const size = bytes === undefined ? chunk.length : Math.max(bytes, Math.ceil(chunk.length / maxPieces));
  for (let at = 0; at < chunk.length; at += size) yield chunk.subarray(at, at + size);
}

type Gate = { shut(): void; open(): void; wait(): Promise<void> };

function openGate(): Gate {
  let shut: { promise: Promise<void>; open: () => void } | undefined;
  return {
    shut() {
      if (shut !== undefined) return;
      let open: () => void = () => {};
      const promise = new Promise<void>((resolve) => {
        open = resolve;
      });
      shut = { promise, open };
    },
    open() {
      shut?.open();
      shut = undefined;
    },
    wait: () => shut?.promise ?? Promise.resolve(),
  };
}
