/**
 * A proxy between one client and the server that treats each connection as bad networks and worse proxies do: cuts,
 * stalls, delays, splits, and repeats or loses whole HTTP requests. What it does is drawn from its own seeded stream, in
 * the order in which the client connects. `calm` makes an honest proxy of it.
 */
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { reset } from '../support/tcp-proxy.ts';
import { type ExchangeKind, exchange } from './exchange.ts';
import { carry, type Direction, type Flow, type Shape } from './flow.ts';
import { type HttpRequest, readRequest } from './http-request.ts';
import type { Random } from './random.ts';

export type FaultyProxy = {
  /** `http://127.0.0.1:<port>` */
  readonly url: string;
  /** No new faults, and the stalls under way end. What is cut stays cut. */
  calm(): void;
  close(): Promise<void>;
};

/** How a connection is treated: `shape` names what its bytes meet, the others what the first request on it meets. */
type Treatment = 'none' | 'cut' | 'cut in the middle' | 'stall' | 'delay' | 'pieces' | 'half-open' | ExchangeKind;
export type Weights = Readonly<Record<Treatment, number>>;

/** Streams live long, so most of them meet their end here; most of the short requests get through. */
export const streamWeights: Weights = {
  none: 20,
  cut: 30,
  'cut in the middle': 15,
  stall: 18,
  delay: 8,
  pieces: 5,
  'half-open': 5,
  repeat: 14,
  swallow: 4,
  late: 3,
};
export const requestWeights: Weights = {
  none: 68,
  cut: 4,
  'cut in the middle': 4,
  stall: 4,
  delay: 5,
  pieces: 2,
  'half-open': 2,
  repeat: 7,
  swallow: 4,
  late: 3,
};

/** A server on this machine sees an end within some milliseconds. */
const nearGapMs = 60;

export type ProxyOptions = {
  /** `http://host:port` */
  target: string;
  random: Random;
  /** See `ExchangeDeps.gentle`. */
  gentle?: boolean;
  /** See `ExchangeDeps.gapMs`: more where others stand between the proxy and what serves. */
  gapMs?: number;
  /** Instead of the usual ones, for both kinds of requests. */
  weights?: Partial<Weights>;
  onFault?: (name: string) => void;
};

export async function openFaultyProxy(options: ProxyOptions): Promise<FaultyProxy> {
  const { random, gentle = false, gapMs = nearGapMs, onFault = () => {} } = options;
  const target = new URL(options.target);
  const sockets = new Set<Socket>();
  const flows = new Set<Flow>();
  let isCalm = false;
  let isClosed = false;

  const keep = (socket: Socket): void => {
    sockets.add(socket);
    socket.on('error', () => {});
    // Opened for a late request after all the others were closed.
    if (isClosed) socket.destroy();
    socket.once('close', () => sockets.delete(socket));
  };
  const keepFlow = (flow: Flow): void => {
    flows.add(flow);
    if (isCalm) flow.calm();
    void flow.closed.then(() => flows.delete(flow));
  };
  const tunnel = (client: Socket, first: Buffer, shape: Shape): void => {
    const upstream = connect(Number(target.port), target.hostname);
    keep(upstream);
    keepFlow(carry(client, upstream, first, shape, onFault));
  };
  const treat = (client: Socket, first: Buffer, request: HttpRequest): void => {
    const usual = request.kind === 'stream' ? streamWeights : requestWeights;
    const drawn = isCalm ? 'none' : random.weighted(options.weights === undefined ? usual : fill(options.weights));
    // Nobody who is gentle leaves a dead connection to the server, or delivers what its sender has given up.
    const treatment = gentle && (drawn === 'late' || drawn === 'half-open') ? 'cut' : drawn;
    if (treatment === 'repeat' || treatment === 'swallow' || treatment === 'late') {
      const deps = { target, random, gentle, gapMs, onFault, onFlow: keepFlow, onSocket: keep };
      void exchange(treatment, client, request, deps);
      return;
    }
    if (treatment !== 'none' && treatment !== 'stall' && !treatment.startsWith('cut')) onFault(treatment);
    // Most connections carry one request, so that the next is treated anew; some are kept alive.
    const bytes = random.chance(0.8) ? request.bytes : first;
    tunnel(client, bytes, { firstAtOnce: gentle, ...shapeOf(treatment, request, random) });
  };

  const server = createServer((client) => {
    keep(client);
    let received = Buffer.alloc(0);
    const take = (chunk: Buffer): void => {
      received = Buffer.concat([received, chunk]);
      const reading = readRequest(received);
      if (reading.state === 'more') return;
      client.off('data', take);
      client.pause();
      if (reading.state === 'opaque') tunnel(client, received, {});
      else treat(client, received, reading.request);
    };
    client.on('data', take);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  return {
    url: `http://127.0.0.1:${port}`,
    calm() {
      isCalm = true;
      for (const flow of flows) flow.calm();
    },
    async close() {
      if (!server.listening) return;
      isClosed = true;
      const closed = once(server, 'close');
      server.close();
      for (const flow of flows) flow.destroy();
      for (const socket of sockets) reset(socket);
      await closed;
    },
  };
}

function fill(weights: Partial<Weights>): Weights {
  const nothing = Object.fromEntries(Object.keys(streamWeights).map((key) => [key, 0])) as Weights;
  return { ...nothing, ...weights };
}

function shapeOf(treatment: Exclude<Treatment, ExchangeKind>, { kind }: HttpRequest, random: Random): Shape {
  const manner = random.chance(0.5) ? 'reset' : 'end';
  const direction: Direction = random.pick(['up', 'down', 'both']);
  // A short request is over after some milliseconds: it is cut within them, or its keep-alive connection later.
  const lifeMs = random.wait(kind === 'short' ? 30 : 3000);
  switch (treatment) {
    case 'none':
      return {};
    case 'cut':
      return { cut: { manner, afterMs: lifeMs } };
    case 'cut in the middle':
      return {
        cut: {
          manner,
          direction: random.chance(0.8) ? 'down' : 'up',
          afterBytes: random.int(0, kind === 'stream' ? 6000 : 400),
        },
      };
    case 'stall': {
      const forMs = random.wait(1200);
      const stall = { direction, afterMs: kind === 'short' ? 0 : lifeMs / 2, forMs };
      return random.chance(0.4) ? { stall, cut: { manner, afterMs: stall.afterMs + forMs } } : { stall };
    }
    case 'delay': {
      const most = random.int(5, 120);
      return { delayMs: () => random.int(0, most), cut: { manner, afterMs: random.wait(8000) } };
    }
    case 'pieces':
      return { pieceBytes: random.int(1, 40), cut: { manner, afterMs: random.wait(8000) } };
    case 'half-open':
      return { cut: { manner, afterMs: lifeMs }, halfOpenMs: random.wait(2500) };
    default:
      throw new RangeError(`There is no treatment ${String(treatment satisfies never)}.`);
  }
}
