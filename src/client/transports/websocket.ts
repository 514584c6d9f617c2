/** The WebSocket transport, on nothing but what browsers offer. The token goes into the query: browsers set no headers. */
import type { Timers, WebSocketConstructor } from '../platform.ts';
import { closeWaitMs, type OpenTransport, ownCloseCodes, parseMessage } from './transport.ts';

/** `base`: the server's http(s) URL without a trailing slash. */
export function createWebSocketTransport(
  base: string,
  WebSocketClass: WebSocketConstructor,
  timers: Timers,
): OpenTransport {
  return ({ token, cursor, takeover }, events) => {
    const query = new URLSearchParams({
      ...(token === undefined ? {} : { token }),
      resume: '1',
      ...(cursor === undefined ? {} : { cursor }),
      ...(takeover ? { takeover: '1' } : {}),
    });
    const socket = new WebSocketClass(`${base.replace(/^http/, 'ws')}/ws/chat?${query.toString()}`);
    let ended = false;
    let detached = false;
    let onEnded: (() => void) | undefined;
    socket.addEventListener('message', (event) => {
      if (!detached && typeof event.data === 'string') events.onMessage(parseMessage(event.data));
    });
    socket.addEventListener('close', (event) => {
      ended = true;
      onEnded?.();
      if (!detached) events.onClosed(event.code);
      detached = true;
    });
    // The close event follows and says all there is to know; without a listener Node's `ws` throws.
    socket.addEventListener('error', () => {});
    return {
      send: (text) => socket.send(text),
      close(how) {
        detached = true;
        if (ended) return Promise.resolve();
        return new Promise((resolve) => {
          const timer = timers.setTimeout(resolve, closeWaitMs);
          onEnded = () => {
            timers.clearTimeout(timer);
            resolve();
          };
          socket.close(how === 'leave' ? 1000 : ownCloseCodes.suspended);
        });
      },
    };
  };
}
