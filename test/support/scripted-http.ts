/** A client on a scripted server that goes over HTTP, by choice or because WebSockets are refused. */
import type { ExecutionContext } from 'ava';
import { type ClientOptions, connectionTimes } from '../../src/client/index.ts';
import { type Scripted, scripted, until } from './scripted-client.ts';
import { type EventStream, type Exchange, joined, type Line, status } from './scripted-server.ts';

/** A client that chooses by itself. */
export function choosing(t: ExecutionContext, options: Partial<ClientOptions> = {}): Promise<Scripted> {
  return scripted(t, { transport: 'auto', ...options });
}

export type Streaming = Scripted & { exchange: Exchange; stream: EventStream };

/** The same, on an event stream in session `s` and room `r`, because WebSockets are refused. */
export async function streaming(t: ExecutionContext): Promise<Streaming> {
  const all = await choosing(t);
  all.server.blockWebSockets('refuse');
  const connected = all.client.connect();
  const exchange = await all.server.request();
  const stream = exchange.stream();
  stream.begin('s');
  await connected;
  const done = all.client.join('r');
  const post = await all.server.request();
  stream.send(joined('r', post.frames[0]?.ref ?? '', status([1])), 's.2');
  post.answer(202);
  await done;
  return { ...all, exchange, stream };
}

/** The next request, once the client has waited as long as it wants to. */
export async function nextRequest({ client, server, timers }: Scripted): Promise<Exchange> {
  while (client.state === 'waiting') timers.advance(timers.waits[0] ?? 0);
  return server.request();
}

/** Resolves when the client waits for its next attempt. */
export const waiting = ({ client }: Scripted): Promise<unknown> =>
  until(client, 'state', ({ state }) => state === 'waiting');

export const turn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

/** Lets half a minute pass as often as said, with a message at the end of each but the last: `s.<n>` and those after it. */
export async function pass({ client, timers, stream }: Streaming, times: number, n: number): Promise<void> {
  for (let time = 1; time <= times; time += 1) {
    timers.advance(connectionTimes.climbMs / 2);
    if (time === times) return;
    const heard = until(client, 'frame');
    stream.send({ type: 'notification', code: 'help', help: 'x' }, `s.${n + time - 1}`);
    await heard;
  }
}

/** Answers the question that goes first after a resume. */
export async function passFence(line: Line): Promise<void> {
  const { ref } = await line.next('list');
  line.send({ type: 'notification', code: 'list', list: [], ref });
}
