/**
 * Ten thousand frames and requests that nobody should send, over all doors at once, from a seed that is printed: what
 * comes back is in the contract, nothing is left behind, and the server still chats.
 */
import { once } from 'node:events';
import { Agent, type ClientRequest, type IncomingMessage, request } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { WebSocket } from 'ws';
import { createTestClock, startApp } from '../support/app.ts';
import { assertServerFrame } from '../support/asyncapi.ts';
import { type Chance, createChance, type Known, pick, randomFrame, randomRequest } from '../support/chaos.ts';
import { collectGarbage } from '../support/garbage.ts';
import { transportNames } from '../support/raw-collector.ts';
import { createEventStreamReader } from '../support/raw-event-stream.ts';
import { patienceMs, until } from '../support/services.ts';

const count = 10_000;
const users = 6;
/** So many go on at once: more than the users' sessions, fewer than the connections that the server takes. */
const workers = 24;

/** Bytes: 2 KiB for each. What is on its way out when it is measured made up to 5 MiB; a server that keeps what it was sent has more. */
const mostGrowth = 2048 * count;

const statuses = new Set([200, 202, 204, 400, 401, 403, 404, 405, 409, 410, 413, 415, 426]);
const closeCodes = new Set([1000, 1002, 1005, 1006, 1007, 1008, 1009, 4401, 4409, 4410]);

/** What the storm has learnt on its way, and what it may no longer use. */
type Storm = { chance: Chance; url: string; agent: Agent; tokens: string[]; cursors: string[]; left: number };

function learn({ chance, cursors }: Storm, cursor: unknown): void {
  if (typeof cursor !== 'string' || cursor === '') return;
  if (cursors.length < 50) cursors.push(cursor);
  else cursors[Math.floor(chance() * cursors.length)] = cursor;
}

/** The answer's text up to its end, or to the moment when a stream or a poll is given up. */
async function readSome(outgoing: ClientRequest, incoming: IncomingMessage, patienceMs: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  const timer = setTimeout(() => outgoing.destroy(), patienceMs);
  try {
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
  } catch {
    // Given up, by this side.
  }
  clearTimeout(timer);
  return Buffer.concat(chunks);
}

function checkEvents(storm: Storm, bytes: Buffer): void {
  const reader = createEventStreamReader((event) => assertServerFrame(JSON.parse(event.data)));
  reader.read(bytes);
  learn(storm, reader.lastEventId);
}

function checkBody(storm: Storm, status: number, text: string): void {
  if (text === '') return;
  const body = JSON.parse(text) as Record<string, unknown>;
  if (status !== 200) {
    const isKnown = 'detail' in body || 'wait' in body || 'non_field_errors' in body || body.code === 'not-connected';
    if (!isKnown) assertServerFrame(body);
    return;
  }
  learn(storm, body.cursor);
  for (const frame of body.messages as unknown[]) assertServerFrame(frame);
}

/** Whatever is to be answered at all is answered in this time, also on a loaded machine. */
const answerMs = 30_000;

async function sendRequest(storm: Storm): Promise<void> {
  const { chance, url, agent } = storm;
  const { method, target, headers, body } = randomRequest(chance, storm satisfies Known);
  const { hostname, port } = new URL(url);
  const outgoing = request({ hostname, port, path: target, method, headers, agent });
  // What is given up before its answer ends without one.
  const patienceMs = pick(chance, [5, 20, 60]);
  const timer = setTimeout(() => outgoing.destroy(), answerMs);
  const [incoming] = (await Promise.race([
    once(outgoing.end(body), 'response'),
    method === 'GET' ? delay(patienceMs * 4, []) : new Promise<never>(() => {}),
  ])) as [IncomingMessage?];
  clearTimeout(timer);
  outgoing.on('error', () => {});
  if (incoming === undefined) {
    outgoing.destroy();
    return;
  }
  const status = incoming.statusCode ?? 0;
  if (!statuses.has(status)) throw new Error(`${method} ${target} was answered ${status}.`);
  const bytes = await readSome(outgoing, incoming, patienceMs);
  if (incoming.headers['content-type']?.startsWith('text/event-stream') === true) checkEvents(storm, bytes);
  else if (incoming.complete) checkBody(storm, status, bytes.toString());
}

/** A WebSocket, and up to a hundred frames on it; resolves how many. */
async function sendFrames(storm: Storm): Promise<number> {
  const { chance, url, tokens, cursors } = storm;
  const query = new URLSearchParams({ token: pick(chance, [...tokens, 'nonsense']) });
  if (chance() < 0.5) query.set('resume', '1');
  if (chance() < 0.3) query.set('cursor', pick(chance, [...cursors, 'x.1']));
  if (chance() < 0.3) query.set('takeover', '1');
  const socket = new WebSocket(`${url.replace('http', 'ws')}/ws/chat?${query.toString()}`);
  const faults: unknown[] = [];
  socket.on('error', () => {});
  socket.on('message', (data: Buffer) => {
    try {
      const frame = JSON.parse(data.toString()) as { code?: string; session?: string };
      assertServerFrame(frame);
      if (frame.code === 'session') learn(storm, `${frame.session}.0`);
    } catch (error) {
      faults.push(error);
    }
  });
  const closed = once(socket, 'close') as Promise<[code: number]>;
  await Promise.race([once(socket, 'open'), closed]);
  const frames = Math.ceil(chance() * 100);
  for (let sent = 0; sent < frames && socket.readyState === WebSocket.OPEN; sent += 1) {
    const frame = randomFrame(chance);
    socket.send(frame, { binary: Buffer.isBuffer(frame) });
    if (chance() < 0.2) await new Promise(setImmediate);
  }
  await delay(pick(chance, [0, 5, 20]));
  if (chance() < 0.5) socket.terminate();
  else socket.close(pick(chance, [1000, 3000]));
  const [code] = await closed;
  if (faults.length > 0) throw faults[0];
  if (!closeCodes.has(code) && code !== 3000) throw new Error(`A WebSocket was closed with ${code}.`);
  return frames;
}

async function work(storm: Storm): Promise<void> {
  while (storm.left > 0) {
    // A WebSocket carries many at once.
    if (storm.chance() < 0.94) {
      storm.left -= 1;
      await sendRequest(storm);
    } else storm.left -= await sendFrames(storm);
  }
}

/** Bytes that cannot be freed, of objects and of buffers. */
function memoryInUse(): number {
  collectGarbage();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

test('ten thousand frames and requests at random meet only the contract’s answers, and leave nothing behind', async (t) => {
  const seed = Number(process.env['FINCHAT_STORM_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
  t.log(`seed ${seed}: FINCHAT_STORM_SEED=${seed} repeats what is sent`);
  t.timeout(180_000, 'a machine with other work takes its time');
  const clock = createTestClock();
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  // Any connection that is not let go of would soon be one too many.
  const env = { RATE_LIMITS: 'off', MAX_CONNECTIONS: String(4 * workers), METRICS_PORT: '0' };
  const server = await startApp(t, { env, overrides: { clock } });
  const tokens: string[] = [];
  for (let n = 0; n < users; n += 1) tokens.push(await server.login(`user${n}`), await server.login(`user${n}`));
  const storm: Storm = { chance: createChance(seed), url: server.url, agent, tokens, cursors: [], left: 0 };
  const rage = async (left: number): Promise<number> => {
    storm.left = left;
    await Promise.all(Array.from({ length: workers }, () => work(storm)));
    return memoryInUse();
  };
  // What is compiled, cached and buffered once comes with the first of them.
  const early = await rage(count / 5);
  const late = await rage(count - count / 5);
  t.true(late - early < mostGrowth, `${Math.round((late - early) / 1024)} KiB more in use`);

  const metrics = async (): Promise<string> => (await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`)).text();
  const isGauge = /^finchat_(?:sessions\{.*\}|rooms_live) (\d+)$/gm;
  const living = async (): Promise<number[]> =>
    Array.from((await metrics()).matchAll(isGauge), ([, number]) => Number(number));
  t.true(Math.max(...(await living())) <= users);
  // Gaps, graces and heartbeats pass.
  await until(patienceMs, async () => {
    clock.advance(30_000);
    const left = (await living()).reduce((sum, number) => sum + number, 0);
    if (left > 0) throw new Error(`${left} sessions and rooms are left.`);
  });

  for (const transport of transportNames) {
    const [alice, bob] = [await server.chat('alice', { transport }), await server.chat('bob', { transport })];
    for (const client of [alice, bob]) await client.ask({ type: 'join', room_name: 'friends' }, { code: 'joined' });
    alice.send({ type: 'message', room_name: 'friends', body: transport });
    t.is((await bob.next({ code: 'message' })).body, transport);
    await alice.close();
    await bob.close();
  }
});
