/**
 * The three ways to reach a session, by `ws` and `node:http` and nothing of the project: a line carries frames and says
 * what it met. It remembers nothing over its own end; what a session is, its owner knows.
 */
import type { IncomingMessage } from 'node:http';
import { Agent, request as httpRequest } from 'node:http';
import { WebSocket } from 'ws';
import type { RawFrame } from '../support/raw-client.ts';
import { readEvents } from './event-stream.ts';
import type { Random } from './random.ts';

export type TransportKind = 'websocket' | 'sse' | 'poll';
export const transportKinds: readonly TransportKind[] = ['websocket', 'sse', 'poll'];

export type LineEvents = {
  /** The session that the line is attached to. `resumed`: the one that was asked for. */
  onSession: (id: string, resumed: boolean) => void;
  /** A counted message. `cursor`: its place as the server named it; a WebSocket names none. */
  onFrame: (frame: RawFrame, cursor: string | undefined) => void;
  /** A fatal, in whatever form it came. The end of the line follows. */
  onFatal: (code: string) => void;
  /** The line has ended, and not by `drop`. Nothing is told afterwards. */
  onClosed: (why: string) => void;
  /** The server said what it must not say. */
  onBroken: (why: string) => void;
};

/** `taken`: the server took it over (a WebSocket: it was written). `refused`: there is no such session. */
export type SendResult = 'taken' | 'unknown' | 'refused';

export type Line = {
  readonly kind: TransportKind;
  send(frames: readonly object[]): Promise<SendResult>;
  /** Leaves without a word to the session, after `lingerMs` in which it is not read. No event follows. */
  drop(lingerMs?: number): void;
  /** Ends the session. Resolves false when it is not known to have ended. No event follows. */
  finish(): Promise<boolean>;
};

export type LineOptions = {
  url: string;
  token: string;
  /** `<session>.<n>` to resume; undefined for a new session. */
  cursor: string | undefined;
  takeover: boolean;
  random: Random;
  /** The session's id, for requests that must not reach another one. */
  session: () => string | undefined;
  events: LineEvents;
};

/** Longer than most stalls of the proxy; what lasts longer is a cut to this client. */
const requestMs = 4000;
const keptAlive = new Agent({ keepAlive: true, maxSockets: 4 });

export function openLine(kind: TransportKind, options: LineOptions): Line {
  const line = { websocket: openWebSocketLine, sse: openSseLine, poll: openPollLine }[kind];
  return line({ ...options, events: onceClosed(options.events) });
}

type Closable = LineEvents & { isClosed(): boolean; mute(): void };
type Options = Omit<LineOptions, 'events'> & { events: Closable };

/** Nothing is told after the end, or after the owner has left. */
function onceClosed(events: LineEvents): Closable {
  let isClosed = false;
  const unlessClosed =
    <A extends unknown[]>(tell: (...args: A) => void) =>
    (...args: A): void => {
      if (!isClosed) tell(...args);
    };
  return {
    isClosed: () => isClosed,
    mute: () => {
      isClosed = true;
    },
    onSession: unlessClosed(events.onSession),
    onFrame: unlessClosed(events.onFrame),
    onFatal: unlessClosed(events.onFatal),
    onBroken: unlessClosed(events.onBroken),
    onClosed: unlessClosed((why) => {
      isClosed = true;
      events.onClosed(why);
    }),
  };
}

function addressOf({ url, token, cursor, takeover }: Options, path: string, query: Record<string, string>): URL {
  const address = new URL(path, url);
  address.searchParams.set('token', token);
  if (cursor !== undefined) address.searchParams.set('cursor', cursor);
  if (takeover) address.searchParams.set('takeover', '1');
  for (const [name, value] of Object.entries(query)) address.searchParams.set(name, value);
  return address;
}

function afterwards(ms: number | undefined, run: () => void): void {
  if (ms === undefined) run();
  else setTimeout(run, ms);
}

// ---- websocket ----

function openWebSocketLine(options: Options): Line {
  const { events, random } = options;
  const address = addressOf(options, '/ws/chat', { resume: '1' });
  address.protocol = 'ws:';
  const socket = new WebSocket(address, { handshakeTimeout: requestMs });
  let sawSession = false;
  socket.on('message', (data) => {
    const frame = readFrame((data as Buffer).toString(), events);
    if (frame.type === 'fatal') events.onFatal(String(frame.code));
    else if (sawSession) events.onFrame(frame, undefined);
    else sawSession = tellSession(frame, events);
  });
  socket.on('error', (error) => events.onClosed(`websocket: ${error.message}`));
  socket.on('close', (code) => events.onClosed(`websocket: closed with ${code}`));
  return {
    kind: 'websocket',
    send(frames) {
      if (socket.readyState !== WebSocket.OPEN) return Promise.resolve('unknown');
      for (const frame of frames) socket.send(JSON.stringify(frame));
      return Promise.resolve('taken');
    },
    drop(lingerMs) {
      events.mute();
      // Both leave the session waiting: an end without a handshake, and a code that says "back soon".
      const cut = random.chance(0.5);
      afterwards(lingerMs, () => {
        if (cut || socket.readyState !== WebSocket.OPEN) socket.terminate();
        else socket.close(3000);
      });
    },
    finish() {
      events.mute();
      return new Promise((resolve) => {
        // The code is the server's answer to the closing handshake; a cut shows as 1006.
        socket.once('close', (code) => resolve(code === 1000));
        socket.close(1000);
        setTimeout(() => socket.terminate(), requestMs).unref();
      });
    },
  };
}

function tellSession(frame: RawFrame, events: LineEvents): true {
  if (frame.type !== 'notification' || frame.code !== 'session') {
    events.onBroken(`The first message is not the session's: ${JSON.stringify(frame)}`);
  }
  events.onSession(String(frame['session']), frame['resumed'] === true);
  return true;
}

function readFrame(text: string, events: LineEvents): RawFrame {
  try {
    return JSON.parse(text) as RawFrame;
  } catch {
    events.onBroken(`no JSON: ${text.slice(0, 300)}`);
    return {};
  }
}

// ---- event stream ----

function openSseLine(options: Options): Line {
  const { events, random, cursor } = options;
  const inHeader = cursor !== undefined && random.chance(0.5);
  const address = addressOf(inHeader ? { ...options, cursor: undefined } : options, '/sse/chat', {});
  const headers: Record<string, string> = inHeader ? { 'last-event-id': cursor } : {};
  const request = httpRequest(address, { headers, agent: false });
  let sawSession = false;
  const opening = setTimeout(() => request.destroy(new Error('no answer')), requestMs);
  request.on('response', (response) => {
    clearTimeout(opening);
    if (response.statusCode !== 200) {
      void refusalOf(response).then((why) => tellRefusal(why, events));
      return;
    }
    readEvents(response, ({ id, data }) => {
      const frame = readFrame(data, events);
      if (frame.type === 'fatal') events.onFatal(String(frame.code));
      else if (sawSession) events.onFrame(frame, id ?? 'no id');
      else sawSession = tellSession(frame, events);
    });
    response.on('error', (error) => events.onClosed(`sse: ${error.message}`));
    response.on('close', () => events.onClosed('sse: the stream ended'));
  });
  request.on('error', (error) => events.onClosed(`sse: ${error.message}`));
  request.on('close', () => clearTimeout(opening));
  request.end();
  return {
    kind: 'sse',
    send: (frames) => post(options, frames),
    drop(lingerMs) {
      events.mute();
      afterwards(lingerMs, () => request.destroy());
    },
    async finish() {
      events.mute();
      const isEnded = await remove(options);
      request.destroy();
      return isEnded;
    },
  };
}

// ---- polling ----

function openPollLine(options: Options): Line {
  const { events } = options;
  let request: ReturnType<typeof httpRequest> | undefined;
  void pollOn(options, (next) => {
    request = next;
  });
  return {
    kind: 'poll',
    send: (frames) => post(options, frames),
    drop(lingerMs) {
      events.mute();
      afterwards(lingerMs, () => request?.destroy());
    },
    async finish() {
      events.mute();
      const isEnded = await remove(options);
      request?.destroy();
      return isEnded;
    },
  };
}

type PollAnswer = { cursor: string; messages: RawFrame[] };

async function pollOn(options: Options, onRequest: (request: ReturnType<typeof httpRequest>) => void): Promise<void> {
  const { events, random } = options;
  let { cursor } = options;
  let isFirst = true;
  while (!events.isClosed()) {
    const waitSeconds = random.int(0, 3);
    const query: Record<string, string> = cursor === undefined || random.chance(0.1) ? {} : { wait: `${waitSeconds}` };
    const address = addressOf({ ...options, cursor, takeover: options.takeover && isFirst }, '/poll/chat', query);
    // Without `wait` the server waits for 25 s, and a cut is noticed late.
    const patienceMs = requestMs + 1000 * (query['wait'] === undefined ? 25 : waitSeconds);
    const answer = await fetchText('GET', address, undefined, patienceMs, random.chance(0.5), onRequest);
    if (events.isClosed()) return;
    if (answer === undefined) return events.onClosed('poll: no answer');
    if (answer.status !== 200) return tellRefusal(answer, events);
    cursor = tellPollAnswer(JSON.parse(answer.text) as PollAnswer, cursor, isFirst, events);
    isFirst = false;
  }
}

/** Tells what the answer holds, each message with its place. Returns the cursor to go on with. */
function tellPollAnswer(answer: PollAnswer, asked: string | undefined, isFirst: boolean, events: LineEvents): string {
  const counted = answer.messages.filter((frame) => frame.type !== 'fatal');
  const { session, n } = splitCursor(answer.cursor);
  if (isFirst) events.onSession(session, asked !== undefined);
  counted.forEach((frame, index) => {
    events.onFrame(frame, `${session}.${n - counted.length + index + 1}`);
  });
  const fatal = answer.messages.find((frame) => frame.type === 'fatal');
  if (fatal !== undefined) {
    events.onFatal(String(fatal.code));
    events.onClosed('poll: fatal');
  }
  return answer.cursor;
}

export function splitCursor(cursor: string): { session: string; n: number } {
  const dot = cursor.lastIndexOf('.');
  return { session: cursor.slice(0, dot), n: Number(cursor.slice(dot + 1)) };
}

// ---- what half-duplex lines share ----

async function post(options: Options, frames: readonly object[]): Promise<SendResult> {
  const { random } = options;
  const [only] = frames;
  const body = JSON.stringify(frames.length === 1 && random.chance(0.5) ? only : frames);
  const path = random.pick(['/sse/chat', '/poll/chat']);
  const address = upstreamAddress(options, path);
  const answer = await fetchText('POST', address, body, requestMs, random.chance(0.5));
  if (answer === undefined) return 'unknown';
  if (answer.status === 202) return 'taken';
  if (answer.status === 409) return 'refused';
  if (answer.status === 503 || answer.status === 502) return 'unknown';
  options.events.onBroken(`POST ${path} was answered ${answer.status}: ${answer.text.slice(0, 200)}`);
  return 'unknown';
}

function upstreamAddress(options: Options, path: string): URL {
  const session = options.session();
  // A proxy may deliver a request late, when another session lives: this keeps it out of that.
  return addressOf({ ...options, cursor: undefined, takeover: false }, path, session === undefined ? {} : { session });
}

/** Asks until it is known: 204 says that the session has ended, 409 that there was none (any more). */
async function remove(options: Options): Promise<boolean> {
  const path = options.random.pick(['/sse/chat', '/poll/chat']);
  const address = upstreamAddress(options, path);
  for (let attempt = 0; attempt < 5; attempt++) {
    const answer = await fetchText('DELETE', address, undefined, requestMs, false);
    if (answer?.status === 204 || answer?.status === 409) return true;
  }
  return false;
}

async function refusalOf(response: IncomingMessage): Promise<{ status: number; text: string }> {
  let text = '';
  // A chunk may end within a character.
  response.setEncoding('utf8');
  try {
    for await (const chunk of response) text += String(chunk);
  } catch {
    // Cut: the status alone says that it was refused.
  }
  return { status: response.statusCode ?? 0, text };
}

function tellRefusal({ status, text }: { status: number; text: string }, events: LineEvents): void {
  const code = /"code":"([a-z-]+)"/.exec(text)?.[1];
  if (code !== undefined && status !== 503) events.onFatal(code);
  events.onClosed(`refused with ${status} ${code ?? ''}`);
}

/** Undefined: no whole answer came. */
function fetchText(
  method: string,
  address: URL,
  body: string | undefined,
  patienceMs: number,
  keepAlive: boolean,
  onRequest?: (request: ReturnType<typeof httpRequest>) => void,
): Promise<{ status: number; text: string } | undefined> {
  return new Promise((resolve) => {
    const headers: Record<string, string> =
      body === undefined
        ? {}
        : { 'content-type': 'application/json', 'content-length': String(Buffer.byteLength(body)) };
    const request = httpRequest(address, { method, headers, agent: keepAlive ? keptAlive : false });
    onRequest?.(request);
    const timer = setTimeout(() => request.destroy(), patienceMs);
    request.on('response', (response) => {
      void refusalOf(response).then((answer) => resolve(response.complete ? answer : undefined));
    });
    request.on('error', () => resolve(undefined));
    request.on('close', () => {
      clearTimeout(timer);
    });
    request.end(body);
  });
}
