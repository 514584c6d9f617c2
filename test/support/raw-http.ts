/**
 * HTTP for the raw clients without sockets: single requests, and the upstream half that event streams and polls have in
 * common. Messages go out one POST after the other, each after the 202 of the one before, those that wait together in
 * one array: so their order is kept.
 */
import { Agent, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http';
import { type Collector, defaultDeadlineMs, type RawClientOptions, type RawFrame } from './raw-collector.ts';

// What the contract allows in one POST.
const batchMessages = 100;
const batchBytes = 65_536;

export type HttpAnswer = { status: number; headers: IncomingHttpHeaders; body: unknown };

export type HttpRequest = {
  method: string;
  /** Sent as it is. */
  body?: string;
  headers?: Record<string, string>;
  agent?: Agent;
};

/** What a client's requests have in common. */
export type Door = {
  /** The address with this query added. */
  address(query?: Record<string, string | undefined>): URL;
  headers: Record<string, string>;
};

export function createDoor(url: string, path: string, options: RawClientOptions): Door {
  const byHeader = options.by === 'header';
  const { token } = options;
  return {
    address(query = {}) {
      const address = new URL(path, url);
      if (token !== undefined && !byHeader) address.searchParams.set('token', token);
      for (const [key, value] of Object.entries(query)) if (value !== undefined) address.searchParams.set(key, value);
      return address;
    },
    headers: token !== undefined && byHeader ? { authorization: `Token ${token}` } : {},
  };
}

/** An answer whose body has not been read, and how to give it up. Rejects when the connection breaks before. */
export function ask(
  address: URL,
  { method, body, headers, agent }: HttpRequest,
): { answer: Promise<IncomingMessage>; cut: () => void } {
  const bytes = body === undefined ? undefined : Buffer.from(body);
  const outgoing = request(address, {
    method,
    headers: {
      ...(bytes === undefined ? {} : { 'content-type': 'application/json', 'content-length': bytes.length }),
      ...headers,
    },
    ...(agent === undefined ? {} : { agent }),
  });
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    outgoing.once('response', resolve);
    // Stays: a socket that is cut later says so as well.
    outgoing.on('error', reject);
  });
  outgoing.end(bytes);
  return { answer, cut: () => outgoing.destroy() };
}

/** Reads the body to its end: JSON where it says so, else text, undefined where there is none. */
export async function readAnswer(incoming: IncomingMessage): Promise<HttpAnswer> {
  let text = '';
  incoming.setEncoding('utf8');
  for await (const chunk of incoming) text += chunk as string;
  const isJson = incoming.headers['content-type']?.startsWith('application/json') === true;
  const body: unknown = text === '' ? undefined : isJson ? JSON.parse(text) : text;
  return { status: incoming.statusCode ?? 0, headers: incoming.headers, body };
}

export async function fetchAnswer(address: URL, options: HttpRequest): Promise<HttpAnswer> {
  return readAnswer(await ask(address, options).answer);
}

/** A refusal before anything began: its fatal is in `frames`, as on an open connection. Throws when it is none. */
export function takeRefusal({ status, body }: HttpAnswer, collector: Collector): void {
  const { type, code } = (body ?? {}) as { type?: unknown; code?: unknown };
  if (type !== 'fatal') throw new Error(`The chat was refused: ${status} ${JSON.stringify(body)}`);
  // It is no message: over a WebSocket the close code says it.
  const frame = status === 503 && code === 'unavailable' ? undefined : collector.read(JSON.stringify(body));
  if (frame !== undefined) collector.add(frame);
  collector.finish({ status, body });
}

/** The half that sends. */
export type Upstream = {
  send: (message: object | string) => void;
  /** One POST by hand, after all that was sent: an object goes out as JSON, a string as it is. */
  post: (body: unknown, query?: Record<string, string>) => Promise<HttpAnswer>;
  delete: (query?: Record<string, string>) => Promise<HttpAnswer>;
  /** Says whether a frame answers a `settle`, and lets that go on. */
  takeSettled: (frame: RawFrame) => boolean;
  settle: (deadlineMs?: number) => Promise<void>;
  delivered: () => Promise<void>;
  /** Gives up what was not sent yet. */
  cut: () => void;
};

export function createUpstream(door: Door, collector: Collector): Upstream {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const settled = new Map<string, boolean>();
  let waiting: string[] = [];
  let isCut = false;
  /** The requests, one after the other. */
  let line: Promise<unknown> = Promise.resolve();

  const call = (method: string, body: string | undefined, query?: Record<string, string>): Promise<HttpAnswer> =>
    fetchAnswer(door.address(query), { method, headers: door.headers, agent, ...(body === undefined ? {} : { body }) });
  const inLine = <T>(run: () => Promise<T>): Promise<T> => {
    const running = line.then(run);
    line = running.catch(() => {});
    return running;
  };

  async function sendWaiting(messages: string[]): Promise<void> {
    const batch = takeBatch(messages);
    if (batch.length === 0 || isCut) return;
    try {
      const { status, body } = await call('POST', batch.length === 1 ? batch[0] : `[${batch.join(',')}]`);
      if (status !== 202 && !collector.hasEnded) {
        throw new Error(`A POST was answered ${status}: ${JSON.stringify(body)}`);
      }
    } catch (error) {
      // What is sent on a connection that is over is lost, as it is on a WebSocket.
      if (!collector.hasEnded) collector.fail(error as Error);
    }
  }

  const send = (message: object | string): void => {
    waiting.push(typeof message === 'string' ? message : JSON.stringify(message));
    const messages = waiting;
    void inLine(() => sendWaiting(messages));
  };
  /** What is sent from now on does not overtake a request by hand. */
  const byHand = (method: string, body?: string, query?: Record<string, string>): Promise<HttpAnswer> => {
    waiting = [];
    return inLine(() => call(method, body, query));
  };
  return {
    send,
    post: (body, query) => byHand('POST', typeof body === 'string' ? body : JSON.stringify(body), query),
    delete: (query) => byHand('DELETE', undefined, query),
    takeSettled(frame) {
      if (frame.ref === undefined || !settled.has(frame.ref)) return false;
      settled.set(frame.ref, true);
      collector.wake();
      return true;
    },
    async settle(deadlineMs = defaultDeadlineMs) {
      const ref = `settle ${settled.size}`;
      settled.set(ref, false);
      // It has no type: a message without an effect, that nothing is counted for.
      send({ type: 0, ref });
      await collector.waitFor(() => settled.get(ref) || undefined, deadlineMs, 'the answer to a settle');
    },
    async delivered() {
      const { status } = await byHand('POST', '[]');
      if (status !== 202) throw new Error(`An empty POST was answered ${status}.`);
    },
    cut() {
      isCut = true;
      agent.destroy();
    },
  };
}

/** Takes from the front what goes out in one POST. */
function takeBatch(waiting: string[]): string[] {
  let bytes = 2;
  let count = 0;
  for (const message of waiting) {
    bytes += Buffer.byteLength(message) + 1;
    if (count === batchMessages || (count > 0 && bytes > batchBytes)) break;
    count += 1;
  }
  return waiting.splice(0, count);
}
