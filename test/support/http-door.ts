/** One way into the chat on a real HTTP server, with nothing of the chat behind it. */
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { ConnectionEvents, Transport } from '../../src/core/transport.ts';

type Teardown = { teardown(run: () => unknown): void };

/** What a session layer would be told, by name, and the transports that came. */
export type Told = { events: ConnectionEvents; names: string[]; transports: Transport[] };

export function noteEvents(): Told {
  const names: string[] = [];
  const note = (name: string) => (): void => void names.push(name);
  return {
    names,
    transports: [],
    events: {
      receive: note('receive'),
      receiveBinary: note('receiveBinary'),
      receiveControl: note('receiveControl'),
      onAlive: note('alive'),
      onDrain: note('drain'),
      onClose: note('close'),
    },
  };
}

/** Resolves the port. */
export function serveDoor(t: Teardown, answer: (response: ServerResponse) => Promise<void>): Promise<number> {
  const server = createServer((_request, response) => void answer(response));
  t.teardown(
    () =>
      new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  );
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port));
  });
}

/** A client that has the head of its answer and reads nothing of the body yet. */
export function openPaused(t: Teardown, port: number): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asking = request({ host: '127.0.0.1', port, agent: false }, (message) => {
      message.on('error', () => {});
      resolve(message);
    });
    asking.on('error', reject);
    t.teardown(() => asking.destroy());
    asking.end();
  });
}
