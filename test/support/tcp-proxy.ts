/** A TCP proxy on a port of its own, with which a test breaks the network between two processes. */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';

export type Direction = 'up' | 'down' | 'both';

export type TcpProxy = {
  readonly port: number;
  /** The target's URL with the proxy's address in place of its own. */
  readonly url: string;
  /** Connections open now. */
  readonly connections: number;
  /** Connections that were taken so far, also those refused. */
  readonly accepted: number;
  /** Bytes that have passed towards the client. */
  readonly bytesDown: number;
  /** Bytes that have passed towards the target. */
  readonly bytesUp: number;
  /** Resets every present connection. New ones are served. */
  cut(): void;
  /** Resets every present connection and every new one, until `resume`. */
  refuse(): void;
  /** Passes nothing on in this direction (`up`: towards the target), neither data nor an end, until `resume`. */
  stall(direction: Direction): void;
  /** Passes nothing on any more on every present connection, for good. New ones are served. */
  silence(): void;
  /** Passes everything on so many milliseconds later from now on, until `resume`. The order is kept. */
  delay(ms: number): void;
  /** Passes everything on again, including what was held back. */
  resume(): void;
  close(): Promise<void>;
};

type Pair = { client: Socket; target: Socket; isSilent: boolean };

/** `targetUrl`: a URL with a host and a port, such as postgres://… or http://…. */
export async function openTcpProxy(targetUrl: string): Promise<TcpProxy> {
  const target = new URL(targetUrl);
  const pairs = new Set<Pair>();
  const passed = { up: 0, down: 0 };
  const stalled = { up: false, down: false };
  let refusing = false;
  let lagMs = 0;
  let accepted = 0;

  const applyStalls = ({ client, target: upstream, isSilent }: Pair): void => {
    if (stalled.up || isSilent) client.pause();
    else client.resume();
    if (stalled.down || isSilent) upstream.pause();
    else upstream.resume();
  };
  const cut = (): void => {
    for (const { client, target: upstream } of pairs) {
      reset(client);
      reset(upstream);
    }
  };
  const server = createServer((client) => {
    accepted += 1;
    if (refusing) {
      reset(client);
      return;
    }
    const upstream = connect(Number(target.port), target.hostname);
    const pair = { client, target: upstream, isSilent: false };
    pairs.add(pair);
    const lag = (): number => lagMs;
    join(client, upstream, lag, (bytes) => (passed.up += bytes));
    join(upstream, client, lag, (bytes) => (passed.down += bytes));
    client.once('close', () => pairs.delete(pair));
    applyStalls(pair);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = new URL(targetUrl);
  url.hostname = '127.0.0.1';
  url.port = String(port);

  return {
    port,
    url: url.href,
    get connections() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    get bytesDown() {
      return passed.down;
    },
    get bytesUp() {
      return passed.up;
    },
    cut,
    refuse() {
      refusing = true;
      cut();
    },
    stall(direction) {
      if (direction !== 'down') stalled.up = true;
      if (direction !== 'up') stalled.down = true;
      for (const pair of pairs) applyStalls(pair);
    },
    silence() {
      for (const pair of pairs) {
        pair.isSilent = true;
        applyStalls(pair);
      }
    },
    delay(ms) {
      lagMs = ms;
    },
    resume() {
      refusing = false;
      lagMs = 0;
      stalled.up = false;
      stalled.down = false;
      for (const pair of pairs) applyStalls(pair);
    },
    async close() {
      if (!server.listening) return;
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}

/**
 * Resets a connection. One that is being shut down already cannot be reset: Node would keep its handle, and a process
 * that has ended would spin for ever while it waits for it.
 */
export function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

function join(from: Socket, to: Socket, lagMs: () => number, count: (bytes: number) => void): void {
  const pass = createQueue(lagMs);
  from.on('data', (chunk) => {
    count(chunk.length);
    pass(() => to.write(chunk));
  });
  from.on('end', () => pass(() => to.end()));
  from.on('error', () => to.destroy());
  from.on('close', () => pass(() => to.destroy()));
}

/** Runs what it is given in order, each so long after it was given as `lagMs` says then; without a lag at once. */
function createQueue(lagMs: () => number): (run: () => void) => void {
  const waiting: { due: number; run: () => void }[] = [];
  const runDue = (): void => {
    for (let next = waiting[0]; next !== undefined && next.due <= performance.now(); next = waiting[0]) {
      waiting.shift();
      next.run();
    }
    const [next] = waiting;
    if (next !== undefined) setTimeout(runDue, Math.max(1, next.due - performance.now()));
  };
  return (run) => {
    const lag = lagMs();
    if (lag === 0 && waiting.length === 0) {
      run();
      return;
    }
    waiting.push({ due: performance.now() + lag, run });
    if (waiting.length === 1) setTimeout(runDue, lag);
  };
}
