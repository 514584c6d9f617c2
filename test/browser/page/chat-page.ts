/**
 * What a page does in the browser tests, with nothing but the browser's own EventSource, WebSocket and fetch. The test
 * calls `chatPage` and gets, through `report`, what happened in the order in which the page saw it.
 */

/** What the page saw of a stream or a socket. */
export type Seen =
  | { kind: 'open' }
  | { kind: 'message'; id: string; data: string }
  /** `readyState`: 0 when the browser tries again by itself, 2 when it has given up. */
  | { kind: 'error'; readyState: number }
  | { kind: 'close'; code: number };

export type PageAnswer = {
  status: number;
  body: string;
  /** The headers that the browser lets the page read. */
  headers: Record<string, string>;
};

export type PageRequest = { method?: string; token?: string; json?: unknown; headers?: Record<string, string> };

export type ChatPage = {
  /** Opens an EventSource in place of the one before. */
  openStream(url: string): void;
  openSocket(url: string): void;
  close(): void;
  /** By fetch. `network`: the browser does not let the page read the answer, or there is none. */
  ask(url: string, request?: PageRequest): Promise<PageAnswer | 'network'>;
};

declare global {
  /** Put there by the test. */
  function report(seen: unknown): Promise<void>;
  var chatPage: ChatPage;
}

let close = (): void => {};

function tell(seen: Seen): void {
  void globalThis.report(seen);
}

globalThis.chatPage = {
  openStream(url) {
    close();
    const stream = new EventSource(url);
    close = () => stream.close();
    stream.addEventListener('open', () => tell({ kind: 'open' }));
    stream.addEventListener('message', ({ lastEventId, data }: MessageEvent<string>) =>
      tell({ kind: 'message', id: lastEventId, data }),
    );
    stream.addEventListener('error', () => tell({ kind: 'error', readyState: stream.readyState }));
  },
  openSocket(url) {
    close();
    const socket = new WebSocket(url);
    close = () => socket.close();
    socket.addEventListener('open', () => tell({ kind: 'open' }));
    socket.addEventListener('message', ({ data }: MessageEvent<string>) => tell({ kind: 'message', id: '', data }));
    socket.addEventListener('close', ({ code }) => tell({ kind: 'close', code }));
  },
  close() {
    close();
  },
  async ask(url, { method = 'GET', token, json, headers = {} } = {}) {
    try {
      const response = await fetch(url, {
        method,
        headers: {
          ...headers,
          ...(token === undefined ? {} : { Authorization: `Token ${token}` }),
          ...(json === undefined ? {} : { 'Content-Type': 'application/json' }),
        },
        ...(json === undefined ? {} : { body: JSON.stringify(json) }),
      });
      const body = await response.text();
      return { status: response.status, body, headers: Object.fromEntries(response.headers) };
    } catch {
      return 'network';
    }
  },
};
