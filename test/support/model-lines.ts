/**
 * The ways to a model server: what a client takes for a WebSocket class and for `fetch`. Messages arrive in a later turn,
 * as on a wire; a line that was cut loses those under way. A schedule of gates decides which attempts get through.
 */
import type { FetchLike, ResponseLike, WebSocketConstructor, WebSocketLike } from '../../src/client/index.ts';
import type { ClientFrame, FatalFrame } from '../../src/protocol/frames.ts';
import type { ModelLine, ModelServer } from './model-server.ts';

/** What happens to an attempt to open a line; polls always get through, and at once. */
export type Gate = 'open' | 'slow' | 'refuse' | 'swallow';

const statuses: Partial<Record<FatalFrame['code'], number>> = { 'already-chatting': 409, 'resumed-elsewhere': 409 };

const later = (run: () => void): void => {
  setImmediate(run);
};

/** Turns that a slow attempt takes to arrive. */
const slowTurns = 8;

function arrive(gate: Gate, run: () => void, turns: number = gate === 'slow' ? slowTurns : 1): void {
  later(() => (turns > 1 ? arrive(gate, run, turns - 1) : run()));
}

type Listeners = { message: (event: { data: unknown }) => void; close: (event: { code: number }) => void };

/** `gates`: of the attempts in turn; after the last one all get through. */
export function createModelSocket(server: ModelServer, gates: Gate[]): WebSocketConstructor {
  return class implements WebSocketLike {
    readonly #listeners: Listeners = { message: () => {}, close: () => {} };
    #isOpen = true;
    #session: string | undefined;

    constructor(url: string) {
      const gate = gates.shift() ?? 'open';
      const cursor = new URL(url).searchParams.get('cursor') ?? undefined;
      arrive(gate, () => {
        if (!this.#isOpen || gate === 'swallow') return;
        if (gate === 'refuse') this.#close(1006);
        else this.#session = server.attach(this.#line, cursor, true)?.id;
      });
    }

    readonly #line: ModelLine = {
      deliver: (frame) =>
        later(() => {
          if (this.#isOpen) this.#listeners.message({ data: JSON.stringify(frame) });
        }),
      end: (fatal) => {
        this.#session = undefined;
        later(() => {
          if (this.#isOpen && fatal !== undefined) {
            this.#listeners.message({ data: JSON.stringify({ type: 'fatal', code: fatal }) });
          }
          this.#close(1006);
        });
      },
    };

    #close(code: number): void {
      if (!this.#isOpen) return;
      this.#isOpen = false;
      this.#listeners.close({ code });
    }

    addEventListener(type: 'message' | 'close' | 'error', listener: (event: never) => void): void {
      if (type !== 'error') Object.assign(this.#listeners, { [type]: listener });
    }

    send(text: string): void {
      later(() => {
        if (this.#session !== undefined) server.take(this.#session, JSON.parse(text) as ClientFrame);
      });
    }

    close(code?: number): void {
      later(() => {
        const isAttached = this.#session !== undefined;
        this.#session = undefined;
        if (isAttached && code === 1000) server.forget();
        else if (isAttached) server.detach(this.#line);
        this.#close(code ?? 1005);
      });
    }
  };
}

/** `gates`: of the event streams in turn. */
export function createModelFetch(server: ModelServer, gates: Gate[]): FetchLike {
  return (url, { method, body, signal }) =>
    new Promise((resolve, reject) => {
      const { pathname, searchParams } = new URL(url);
      const cursor = searchParams.get('cursor') ?? undefined;
      signal.addEventListener('abort', () => reject(new TypeError('aborted')), { once: true });
      const fail = (): void => reject(new TypeError('cut'));
      const isStream = pathname === '/sse/chat' && method === 'GET';
      const gate = isStream ? (gates.shift() ?? 'open') : 'open';
      arrive(gate, () => {
        if (signal.aborted || gate === 'swallow') return;
        if (gate === 'refuse') resolve(json(502, {}));
        else if (method === 'POST') post(server, searchParams.get('session') ?? undefined, body ?? '', resolve, fail);
        else if (method === 'DELETE') {
          server.forget();
          resolve(json(204, {}));
        } else if (isStream) stream(server, cursor, signal, resolve);
        else poll(server, cursor, searchParams.get('wait') === '0', signal, resolve, fail);
      });
    });
}

type Resolve = (response: ResponseLike) => void;

function json(status: number, value: unknown): ResponseLike {
  return { status, text: () => Promise.resolve(JSON.stringify(value)) };
}

function post(
  server: ModelServer,
  session: string | undefined,
  body: string,
  resolve: Resolve,
  fail: () => void,
): void {
  const value = JSON.parse(body) as ClientFrame | ClientFrame[];
  for (const frame of Array.isArray(value) ? value : [value]) if (!server.take(session, frame)) return later(fail);
  later(() => resolve(json(202, {})));
}

function stream(server: ModelServer, cursor: string | undefined, signal: AbortSignal, resolve: Resolve): void {
  const encoder = new TextEncoder();
  const chunks: ({ done: false; value: Uint8Array } | { done: true })[] = [];
  let isOver = false;
  let onChunk: (() => void) | undefined;
  let isAnswered = false;
  let session: string | undefined;
  const put = (chunk: (typeof chunks)[number]): void =>
    later(() => {
      chunks.push(chunk);
      onChunk?.();
    });
  const reader = {
    async read(): Promise<{ done: boolean; value?: Uint8Array }> {
      if (chunks.length === 0) {
        await new Promise<void>((found) => {
          onChunk = found;
        });
        if (signal.aborted) throw new TypeError('aborted');
      }
      return chunks.shift() ?? { done: true };
    },
  };
  const answer = (): void => {
    isAnswered = true;
    const headers = { get: (name: string) => (name === 'content-type' ? 'text/event-stream' : null) };
    resolve({ status: 200, text: () => Promise.resolve(''), headers, body: { getReader: () => reader } });
  };
  const line: ModelLine = {
    deliver(frame, n) {
      if (isOver) return;
      if (!isAnswered) answer();
      if (frame.type === 'notification' && frame.code === 'session') session = frame.session;
      const id = n === undefined ? '' : `id: ${session}.${n}\n`;
      put({ done: false, value: encoder.encode(`${id}data: ${JSON.stringify(frame)}\n\n`) });
    },
    end(fatal) {
      if (isOver) return;
      isOver = true;
      if (isAnswered) {
        const data = JSON.stringify({ type: 'fatal', code: fatal });
        if (fatal !== undefined) put({ done: false, value: encoder.encode(`id: ${fatal}\ndata: ${data}\n\n`) });
        put({ done: true });
      } else resolve(json(statuses[fatal ?? 'kicked'] ?? 502, { type: 'fatal', code: fatal }));
    },
  };
  const onAbort = (): void => {
    onChunk?.();
    later(() => server.detach(line));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  server.attach(line, cursor, true);
}

function poll(
  server: ModelServer,
  cursor: string | undefined,
  isImpatient: boolean,
  signal: AbortSignal,
  resolve: Resolve,
  fail: () => void,
): void {
  if (cursor !== undefined && server.resumable(cursor) === undefined) {
    resolve(json(410, { type: 'fatal', code: 'session-expired' }));
    return;
  }
  const start = Number(cursor?.split('.')[1] ?? 0);
  const messages: unknown[] = [];
  let session = cursor?.split('.')[0];
  let isOver = false;
  const answer = (): void => {
    if (isOver) return;
    isOver = true;
    // Between two polls nobody holds the place against a newcomer: it would not stand the test.
    server.detach(line);
    resolve(json(200, { cursor: `${session}.${start + messages.length}`, messages }));
  };
  const line: ModelLine = {
    deliver(frame) {
      if (isOver) return;
      // What comes in one turn is answered together.
      if (messages.length === 0) later(answer);
      messages.push(frame);
    },
    end(fatal) {
      if (isOver) return;
      isOver = true;
      if (fatal === undefined) fail();
      else resolve(json(statuses[fatal] ?? 409, { type: 'fatal', code: fatal }));
    },
  };
  signal.addEventListener('abort', () => later(() => server.detach(line)), { once: true });
  session = server.attach(line, cursor, false)?.id ?? session;
  if (isImpatient) later(answer);
}
