/** Ending things: in turn, whatever fails, and within a time. */
import type { Server } from 'node:http';
import type { WebSocketDoor } from './transports/websocket.ts';

/** Closes each part in turn, also after one that fails. */
export async function closeEach(steps: readonly (() => Promise<void> | undefined)[]): Promise<void> {
  const faults: unknown[] = [];
  for (const close of steps) await close()?.catch((error: unknown) => faults.push(error));
  if (faults.length > 0) throw new AggregateError(faults, 'Not every part of the server could be closed.');
}

/** Connections get a moment for their closing handshake; requests under way are answered. */
export async function closeServer(server: Server, door: WebSocketDoor | undefined): Promise<void> {
  if (!server.listening) return;
  const closed = new Promise<void>((resolve) => {
    server.close(() => resolve());
  });
  server.closeIdleConnections();
  const cut = setTimeout(() => {
    door?.close();
    server.closeAllConnections();
  }, closeGraceMs);
  await closed;
  clearTimeout(cut);
}

/** A closing handshake and an answer take a round trip; whoever needs longer than this is cut. */
const closeGraceMs = 2000;

/** Rejects when `work` does, or when it is not done within `ms`. */
export async function within(work: Promise<unknown>, ms: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error(`Not done within ${ms} ms: the database or Redis does not answer.`)), ms);
  });
  try {
    await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
