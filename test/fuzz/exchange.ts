/**
 * What a proxy may do with one request as a whole: send it twice, deliver it and lose its answer, deliver it late. Owns
 * the connections to the target that this takes; what the client gets is one answer, or a cut.
 */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { reset } from '../support/tcp-proxy.ts';
import { carry, endSocket, type Flow } from './flow.ts';
import type { HttpRequest } from './http-request.ts';
import type { Random } from './random.ts';

export type ExchangeKind = 'repeat' | 'swallow' | 'late';

export type ExchangeDeps = {
  target: URL;
  random: Random;
  /**
   * As a well-behaved proxy: a request is repeated only when its first connection is gone, and nothing is delivered
   * after the client was told of the cut. A client that ends at `resumed-elsewhere` can live with nothing else.
   */
  gentle: boolean;
  /** Between the loss of a connection and the second try, so that the target has seen the one before the other. */
  gapMs: number;
  onFault: (name: string) => void;
  /** A flow towards the client has begun. */
  onFlow: (flow: Flow) => void;
  /** Every socket that is opened, so that it can be closed with the proxy. */
  onSocket: (socket: Socket) => void;
};

/** For an answer that ends by itself: far above what the server takes. */
const answerMs = 20_000;

export async function exchange(
  kind: ExchangeKind,
  client: Socket,
  request: HttpRequest,
  deps: ExchangeDeps,
): Promise<void> {
  const { random } = deps;
  // Read on, so that a client that goes away is noticed; it sends nothing before it has its answer.
  client.resume();
  const manner = random.chance(0.5) ? 'reset' : 'end';
  if (kind === 'swallow') {
    const upstream = open(client, request, deps);
    await upstream.answer(patience(request, random));
    deps.onFault('answer lost');
    upstream.socket.destroy();
    endSocket(client, manner);
  } else if (kind === 'late') {
    deps.onFault('request late');
    endSocket(client, manner);
    await delay(random.wait(700));
    const upstream = open(client, request, deps);
    await upstream.answer(patience(request, random));
    upstream.socket.destroy();
  } else if (request.kind === 'stream') {
    await repeatStream(client, request, deps);
  } else {
    await repeatRequest(client, request, deps);
  }
}

async function repeatRequest(client: Socket, request: HttpRequest, deps: ExchangeDeps): Promise<void> {
  const { random, gentle } = deps;
  // Asked twice for a new session, the second ends the first: nobody can go on from the answer of that one.
  const opens = request.kind === 'poll' && !request.path.includes('cursor=');
  const firstCounts = random.chance(0.5) && !(gentle && opens);
  const first = open(client, request, deps);
  const isAnswered = await first.answer(patience(request, random));
  if (!isAnswered && gentle) {
    first.socket.destroy();
    await delay(deps.gapMs);
  }
  if (gentle && client.destroyed) return;
  const second = open(client, request, deps);
  const isAnsweredTwice = await second.answer(request.kind === 'poll' ? 3 * answerMs : answerMs);
  deps.onFault(`${request.method} twice`);
  const counts = firstCounts && isAnswered ? first : second;
  if (counts === second && !isAnsweredTwice) reset(client);
  else client.end(counts.bytes());
  first.socket.destroy();
  second.socket.destroy();
}

async function repeatStream(client: Socket, request: HttpRequest, deps: ExchangeDeps): Promise<void> {
  const { random, gentle, onFault } = deps;
  if (!gentle && random.chance(0.4)) {
    // The client keeps the first, and the second takes the session away from it.
    const socket = openSocket(deps);
    const flow = carry(client, socket, request.bytes, {}, onFault);
    deps.onFlow(flow);
    onFault('stream opened twice, the first kept');
    await delay(random.wait(150));
    const second = open(client, request, deps);
    await second.answer(random.wait(800));
    second.socket.destroy();
    return;
  }
  const first = open(client, request, deps);
  await first.answer(random.wait(150));
  if (gentle || random.chance(0.5)) {
    first.socket.destroy();
    await delay(deps.gapMs);
  }
  if (client.destroyed) {
    first.socket.destroy();
    return;
  }
  onFault('stream opened twice, the second kept');
  deps.onFlow(carry(client, openSocket(deps), request.bytes, {}, onFault));
  await delay(deps.gapMs);
  first.socket.destroy();
}

/** How long an answer is waited for before going on without it. */
function patience(request: HttpRequest, random: Random): number {
  if (request.kind === 'short') return answerMs;
  return random.wait(request.kind === 'poll' ? 400 : 200);
}

type Upstream = {
  readonly socket: Socket;
  bytes(): Buffer;
  /** Resolves true when the whole answer is there, false after so long or when the connection broke. */
  answer(ms: number): Promise<boolean>;
};

function openSocket({ target, onSocket }: ExchangeDeps): Socket {
  const socket = connect(Number(target.port), target.hostname);
  onSocket(socket);
  return socket;
}

function open(client: Socket, request: HttpRequest, deps: ExchangeDeps): Upstream {
  const socket = openSocket(deps);
  const chunks: Buffer[] = [];
  let isComplete = false;
  socket.on('data', (chunk: Buffer) => chunks.push(chunk));
  socket.once('end', () => {
    isComplete = chunks.length > 0;
  });
  if (deps.gentle) client.once('close', () => socket.destroy());
  socket.write(request.bytes);
  return {
    socket,
    bytes: () => Buffer.concat(chunks),
    async answer(ms) {
      if (socket.closed) return isComplete;
      const stop = new AbortController();
      const { signal } = stop;
      await Promise.race([
        once(socket, 'close', { signal }).catch(() => {}),
        delay(ms, undefined, { signal }).catch(() => {}),
      ]);
      stop.abort();
      return isComplete;
    },
  };
}
