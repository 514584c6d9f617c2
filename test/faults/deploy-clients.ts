/**
 * Clients for a deploy: users of the SDK, and raw ones that know no more than the protocol's pages say. Each talks, comes
 * back by itself when its server closes, and notes what it was shown and how its way back went.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { createClient, type TransportWish } from '../../src/client/index.ts';
import { openRawClient, type RawFrame, type RawWebSocketClient } from '../support/raw-client.ts';
import { idsOf, room } from './cluster-world.ts';

/** A way back: when the server said that it closes, when it asked for the client, when the client was there. */
export type Return = { name: string; toldAt: number; askedFor: number; backAt: number };

export type DeployClient = {
  readonly name: string;
  /** What it said, and is stored. */
  readonly said: readonly string[];
  /** In the order in which they were shown. */
  readonly ids: readonly number[];
  readonly returns: readonly Return[];
  /** Every parted that it was shown. */
  readonly parted: readonly string[];
  readonly isOpen: boolean;
  /** Says nothing more; resolves when everything that was said is known to be stored. */
  hush(): Promise<void>;
};

export type DeployOptions = { name: string; token: string; url: string; fail: (what: string) => void };

/** Longer than a stopping node keeps a connection. */
const staysMs = 8000;
/** Between two messages of one client. */
const talkMs = 400;
/** After a refusal by a server that is about to go, or a balancer that has not noticed yet. */
const retryMs = 150;

/** Resolves when it is in the room and talks. */
export async function openSdkClient(
  t: Pick<ExecutionContext, 'teardown'>,
  { name, token, url, fail, transport }: DeployOptions & { transport: TransportWish },
): Promise<DeployClient> {
  const client = createClient({ url, token, transport, WebSocket });
  const [said, ids, returns, parted]: [string[], number[], Return[], string[]] = [[], [], [], []];
  let closing: { toldAt: number; askedFor: number } | undefined;
  const quiet = new AbortController();
  client.on('server-closing', ({ reconnectInMs }) => {
    closing = { toldAt: performance.now(), askedFor: reconnectInMs };
  });
  let sessions = 0;
  client.on('session', ({ resumed }) => {
    sessions += 1;
    if (sessions > 1 && !resumed) fail(`${name} (${transport}) got another session`);
    if (closing !== undefined) returns.push({ name, ...closing, backAt: performance.now() });
    closing = undefined;
  });
  // A poll goes on from one answer to the next, wherever its session is: it need not come back.
  client.on('message', () => {
    if (closing !== undefined && performance.now() > closing.toldAt + staysMs) closing = undefined;
  });
  client.on('message', ({ id }) => void ids.push(id));
  client.on('parted', ({ user }) => void parted.push(user));
  client.on('end', ({ reason }) => {
    if (reason !== 'closed') fail(`${name} ended: ${reason}`);
  });
  t.teardown(() => client.close());
  await client.connect();
  await client.join(room);
  const talking = (async () => {
    for (let n = 0; !quiet.signal.aborted; n++) {
      const body = `${name} says ${n}`;
      await client.send(room, body);
      said.push(body);
      await delay(talkMs);
    }
  })();
  talking.catch((error: unknown) => fail(`${name}: ${String(error)}`));
  return {
    name,
    said,
    ids,
    returns,
    parted,
    get isOpen() {
      return client.state === 'open';
    },
    hush() {
      quiet.abort();
      return talking;
    },
  };
}

export async function openPlainClient(t: ExecutionContext, options: DeployOptions): Promise<DeployClient> {
  const { name, token, url, fail } = options;
  const [said, returns, lives]: [string[], Return[], RawWebSocketClient[]] = [[], [], []];
  const unsettled = new Map<string, string>();
  let current = await openRawClient(t, url, { token, resume: true });
  lives.push(current);
  const quiet = new AbortController();
  const over = new AbortController();
  let isOpen = true;
  t.teardown(() => over.abort());
  const frames = (): RawFrame[] => lives.flatMap((life) => life.frames);
  const say = (ref: string, body: string): void => current.send({ type: 'message', room_name: room, body, ref });
  const listen = (): void => {
    current.socket.on('message', (data: Buffer) => {
      const { code, ref = '' } = JSON.parse(data.toString()) as RawFrame;
      if (code === 'server-closing') isOpen = false;
      if (code !== 'message') return;
      const body = unsettled.get(ref);
      if (body !== undefined && unsettled.delete(ref)) said.push(body);
    });
  };
  /** Comes back when it was asked to, and goes on where it was. */
  const comeBack = async (): Promise<void> => {
    await current.closed;
    isOpen = false;
    if (over.signal.aborted) return;
    const { frames: told, cursor } = current;
    const askedFor = Number(told.find(({ code }) => code === 'server-closing')?.['reconnect_in'] ?? 0);
    const toldAt = performance.now();
    await delay(askedFor);
    while (!over.signal.aborted) {
      const next = await openRawClient(t, url, {
        token,
        resume: true,
        ...(cursor === undefined ? {} : { cursor }),
      }).catch(() => undefined);
      const session = next && (await sessionOf(next));
      if (next === undefined || session === undefined) {
        await delay(retryMs);
        continue;
      }
      if (!session.resumed) fail(`${name} (raw) got another session`);
      current = next;
      lives.push(next);
      // Before this connection is cut at the test's end: that is nothing to come back from.
      t.teardown(() => over.abort());
      break;
    }
    listen();
    for (const [ref, body] of unsettled) say(ref, body);
    returns.push({ name, toldAt, askedFor, backAt: performance.now() });
    isOpen = true;
    void comeBack();
  };
  listen();
  await current.ask({ type: 'join', room_name: room }, { code: 'joined', you: true });
  void comeBack();
  const talking = (async () => {
    for (let n = 0; !quiet.signal.aborted && !over.signal.aborted; n++) {
      const [ref, body] = [`${name}-${n}`, `${name} says ${n}`];
      unsettled.set(ref, body);
      if (isOpen) say(ref, body);
      await delay(talkMs);
    }
    while (unsettled.size > 0 && !over.signal.aborted) await delay(retryMs);
  })();
  return {
    name,
    said,
    get ids() {
      return idsOf(frames()).slice(statusLength(frames()));
    },
    returns,
    get parted() {
      return frames().flatMap(({ code, user = '' }) => (code === 'parted' ? [user] : []));
    },
    get isOpen() {
      return isOpen;
    },
    hush() {
      quiet.abort();
      return talking;
    },
  };
}

/** How many messages the first join brought: they were said before. */
function statusLength(frames: readonly RawFrame[]): number {
  return frames.find(({ code, you }) => code === 'joined' && you === true)?.status?.messages.length ?? 0;
}

/** Undefined: the connection ended without a session. */
async function sessionOf(client: RawWebSocketClient): Promise<{ resumed: boolean } | undefined> {
  const over = new AbortController();
  void client.closed.then(() => over.abort());
  while (client.session === undefined && !over.signal.aborted) await delay(10);
  return client.session;
}
