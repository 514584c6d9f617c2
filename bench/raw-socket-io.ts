/**
 * Socket.IO's framing over the raw WebSocket: Engine.IO 4 text packets (the first character), in them Socket.IO 5
 * packets (the second). Messages are events named `m`, whose one argument is the message.
 */
import type { OpenRawClient, RawClient } from './raw-client.ts';
import { openWebSocket } from './raw-socket.ts';
import { connectDeadlineMs } from './raw-tcp.ts';

const [openPacket, pingPacket, messagePacket] = [0x30, 0x32, 0x34];
const [connected, event] = [0x30, 0x32];
const eventHead = '42["m",';

/** Open once the server has let the client into its namespace. Accounts are not known there: no token. */
export const openRawSocketIo: OpenRawClient = (port, _token, events) =>
  new Promise((resolve, reject) => {
    let isOpen = false;
    const fail = (why: string): void => {
      clearTimeout(timer);
      socket.end();
      if (isOpen) events.onEnd(why);
      else reject(new Error(why));
    };
    const client: RawClient = {
      send: (message) => socket.send(`${eventHead}${message}]`),
      end: () => socket.end(),
    };
    const timer = setTimeout(() => fail('not let in within ten seconds'), connectDeadlineMs);
    const socket = openWebSocket(port, '/socket.io/?EIO=4&transport=websocket', {
      onOpen: () => {},
      onRefused: fail,
      onEnd: fail,
      onMessage: (bytes, from, to) => {
        const packet = bytes[from];
        const kind = bytes[from + 1];
        if (packet === pingPacket) socket.send('3');
        else if (packet === openPacket) socket.send('40');
        else if (packet === messagePacket && kind === event) events.onMessage(bytes, from + eventHead.length, to - 1);
        else if (packet === messagePacket && kind === connected) {
          clearTimeout(timer);
          isOpen = true;
          resolve(client);
        } else fail(`told ${bytes.toString('utf8', from, to)}`);
      },
    });
  });
