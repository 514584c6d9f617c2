/** A client of the SDK on a scripted server, in time that the test moves, and waits for what it tells. */
import type { ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { type Client, type ClientEvents, type ClientOptions, createClient } from '../../src/client/index.ts';
import { createManualTimers, type ManualTimers } from './manual-timers.ts';
import { joined, type Line, openScriptedServer, type ScriptedServer, status } from './scripted-server.ts';

/** What a client told, as short text: `message r 3`, `rejoined r`, `state open`. */
export type Told = string[];

export type Scripted = { client: Client; server: ScriptedServer; timers: ManualTimers; told: Told };

/** Both are closed when the test ends. */
export async function scripted(t: ExecutionContext, options: Partial<ClientOptions> = {}): Promise<Scripted> {
  const server = await openScriptedServer();
  t.teardown(() => server.close());
  const timers = createManualTimers();
  const client = createClient({
    url: server.url,
    token: 'secret',
    transport: 'websocket',
    WebSocket,
    timers,
    now: () => timers.now(),
    onListenerError: (error) => t.fail(`a listener threw: ${String(error)}`),
    ...options,
  });
  t.teardown(async () => {
    const closed = client.close();
    // A server that a test has left without an answer gives none to the farewell either.
    timers.advance(1_000);
    await closed;
  });
  return { client, server, timers, told: listen(client) };
}

/** As `scripted`, connected and greeted. */
export async function chatting(
  t: ExecutionContext,
  options: Partial<ClientOptions> = {},
): Promise<Scripted & { line: Line }> {
  const all = await scripted(t, options);
  const connected = all.client.connect();
  const line = await all.server.accept();
  line.greet();
  await connected;
  return { ...all, line };
}

/** The client joins `room`, which has the messages 1 to `lastId`. */
export async function join(client: Client, line: Line, room: string, lastId = 0): Promise<void> {
  const done = client.join(room);
  const { ref } = await line.next('join');
  line.send(joined(room, ref, status(lastId === 0 ? [] : [lastId])));
  await done;
}

/** Cuts the line and brings the client back: resolves with the next line, greeted. */
export async function reconnect({ client, server, timers }: Scripted, line: Line): Promise<Line> {
  const waiting = until(client, 'state', ({ state }) => state === 'waiting');
  line.cut();
  await waiting;
  return comeBack({ client, server, timers });
}

/** Lets the wait before the next attempt pass, and greets. */
export async function comeBack({
  client,
  server,
  timers,
}: Pick<Scripted, 'client' | 'server' | 'timers'>): Promise<Line> {
  const connecting = until(client, 'state', ({ state }) => state === 'connecting');
  // The wait for a closing frame may stand before the one for the next attempt.
  while (client.state === 'waiting') timers.advance(timers.waits[0] ?? 0);
  await connecting;
  const next = await server.accept();
  const open = until(client, 'state', ({ state }) => state === 'open');
  next.greet();
  await open;
  return next;
}

/** Milliseconds until a wait is a failure: far above what a loaded machine needs. */
const deadlineMs = 20_000;

/** Resolves with the next event for which `isWanted` holds. */
export function until<Name extends keyof ClientEvents>(
  client: Client,
  name: Name,
  isWanted: (event: ClientEvents[Name]) => boolean = () => true,
): Promise<ClientEvents[Name]> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no such ${name} within ${deadlineMs} ms`)), deadlineMs);
    const remove = client.on(name, (event) => {
      if (!isWanted(event)) return;
      clearTimeout(timer);
      remove();
      resolve(event);
    });
  });
}

/** Resolves when the client has read all that the server sent before: a question and its answer pass through both. */
export async function settled(client: Client, line: Line): Promise<void> {
  const asked = client.list();
  const { ref } = await line.next('list');
  line.send({ type: 'notification', code: 'list', list: [], ref });
  await asked;
}

function listen(client: Client): Told {
  const told: Told = [];
  client.on('message', ({ room, id }) => told.push(`message ${room} ${id}`));
  client.on('custom', ({ room, command, payload }) => told.push(`custom ${room} ${command}=${payload}`));
  client.on('deleted', ({ room, id }) => told.push(`deleted ${room} ${id}`));
  client.on('joined', ({ room, user }) => told.push(`joined ${room} ${user}`));
  client.on('parted', ({ room, user }) => told.push(`parted ${room} ${user}`));
  client.on('rejoined', ({ room, gap }) => told.push(`rejoined ${room}${gap ? ' with a gap' : ''}`));
  client.on('left', ({ room, error }) => told.push(`left ${room} ${error.code}`));
  client.on('error', ({ code }) => told.push(`error ${code}`));
  client.on('end', ({ reason }) => told.push(`end ${reason}`));
  return told;
}
