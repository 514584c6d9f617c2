/** A second connection of the same user, which asks for no takeover: it must not get in while the first one lives. */
import { WebSocket } from 'ws';
import type { RawFrame } from '../support/raw-client.ts';

/** `in`: it got a session, which it has left again. `out`: refused because of the other one. `away`: neither was said. */
export type RivalOutcome = 'in' | 'out' | 'away';

/** The proof of the first one takes three seconds, and asking another node for it as long. */
const rivalMs = 15_000;

export function rival(url: string, token: string, onIn: () => void): Promise<RivalOutcome> {
  const address = new URL(`/ws/chat?token=${token}`, url.replace(/^http/, 'ws'));
  const socket = new WebSocket(address, { handshakeTimeout: rivalMs });
  const timer = setTimeout(() => socket.terminate(), rivalMs);
  let outcome: RivalOutcome = 'away';
  return new Promise((resolve) => {
    socket.on('error', () => {});
    socket.on('message', (data) => {
      const { type, code } = JSON.parse((data as Buffer).toString()) as RawFrame;
      if (type === 'fatal' && code === 'already-chatting') outcome = 'out';
      if (code !== 'api-motd') return;
      outcome = 'in';
      onIn();
      socket.close(1000);
    });
    socket.on('close', () => {
      clearTimeout(timer);
      resolve(outcome);
    });
  });
}
