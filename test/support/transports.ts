/** A scenario written once and run over each transport; and how each of them says that a session is over. */
import type { ExecutionContext, TestFn } from 'ava';
import { eachDatabase, sqliteTest, type TestDatabase } from './databases.ts';
import type { RawClient } from './raw-client.ts';
import { type TransportName, transportNames } from './raw-collector.ts';

export function eachTransport(
  test: TestFn,
  title: string,
  body: (t: ExecutionContext, transport: TransportName) => Promise<void>,
): void {
  for (const transport of transportNames) test(`${title} (${transport})`, (t) => body(t, transport));
}

export const chatPaths = { websocket: '/ws/chat', sse: '/sse/chat', poll: '/poll/chat' } as const;

/** Over each transport on SQLite, and over WebSocket on PostgreSQL as well: no transport knows the database. */
export function eachTransportAndDatabase(
  test: TestFn,
  title: string,
  body: (t: ExecutionContext, db: TestDatabase, transport: TransportName) => Promise<void>,
): void {
  eachDatabase(test, `${title} (websocket)`, (t, db) => body(t, db, 'websocket'));
  for (const transport of ['sse', 'poll'] as const) {
    sqliteTest(test, `${title} (${transport})`, (t, db) => body(t, db, transport));
  }
}

/** The close code of a WebSocket and the HTTP status of a refusal for each fatal, as docs/PROTOCOL.md has them. */
const fatals = {
  'not-authenticated': { code: 4401, status: 401 },
  kicked: { code: 4403, status: 403 },
  'already-chatting': { code: 4409, status: 409 },
  'resumed-elsewhere': { code: 4410, status: 409 },
} as const;
export type Fatal = keyof typeof fatals;

/** A connection that was not let in hears why, and nothing else. */
export async function assertRefused(t: ExecutionContext, client: RawClient, fatal: Fatal): Promise<void> {
  const frame = { type: 'fatal', code: fatal };
  const { code, status } = fatals[fatal];
  t.deepEqual({ ...(await client.take()) }, frame);
  t.is(client.frames.length, 1);
  if (client.transport === 'websocket') t.is((await client.closed).code, code);
  else t.deepEqual(await client.closed, { status, body: frame });
}

/** An open connection hears a fatal as its last message, and ends. */
export async function assertEnded(t: ExecutionContext, client: RawClient, fatal: Fatal): Promise<void> {
  const { code, status } = fatals[fatal];
  await client.next({ type: 'fatal', code: fatal });
  const end = await client.closed;
  t.is(client.frames.at(-1)?.code, fatal);
  if (client.transport === 'websocket') t.is(end.code, code);
  // A poll that had messages due got them with the fatal.
  else if (client.transport === 'poll') t.true(end.status === status || end.status === 200, JSON.stringify(end));
  else t.is(end.status, 200);
}

/** An open connection hears that its token is valid no more, and ends. */
export async function assertLoggedOut(t: ExecutionContext, client: RawClient): Promise<void> {
  await client.next({ type: 'notification', code: 'logged-out' });
  const end = await client.closed;
  t.is(client.frames.at(-1)?.code, 'logged-out');
  t.deepEqual(client.transport === 'websocket' ? end.code : end.status, client.transport === 'websocket' ? 1000 : 200);
}
