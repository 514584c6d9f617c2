/**
 * What no client should send: seeded random client messages, bodies and requests to the chat's doors, most of them wrong
 * in some way. Knows the protocol's words only, so that some of it gets far.
 */

/** Numbers from 0 to below 1, the same for the same seed (mulberry32). */
export type Chance = () => number;

export function createChance(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

export function pick<T>(chance: Chance, from: readonly T[]): T {
  return from[Math.floor(chance() * from.length)] as T;
}

const words = [
  'friends',
  'family',
  'nowhere',
  '',
  ' ',
  'x',
  '__proto__',
  'a\0b',
  '\ud800',
  '😀',
  '../..',
  'é'.repeat(70),
];
const types = ['join', 'part', 'message', 'custom', 'history', 'list', 'help', 'shout', '', 'fatal', 'notification'];
const fields = ['room_name', 'body', 'command', 'payload', 'ref', 'since', 'epoch', 'before', 'limit', 'code', 'extra'];

function value(chance: Chance, depth: number): unknown {
  const kind = Math.floor(chance() * 12);
  if (kind < 5) return pick(chance, words);
  if (kind === 5) return pick(chance, [0, -1, 1, 1.5, 1e308, 2 ** 53, 7]);
  if (kind === 6) return pick(chance, [null, true, false]);
  if (kind === 7) return 'y'.repeat(Math.floor(chance() * 6000));
  if (kind === 8 && depth > 0) return Array.from({ length: Math.floor(chance() * 4) }, () => value(chance, depth - 1));
  if (kind === 9 && depth > 0) return message(chance, depth - 1);
  return `w${Math.floor(chance() * 1000)}`;
}

/** An object that looks like a client message. */
function message(chance: Chance, depth = 2): Record<string, unknown> {
  const made: Record<string, unknown> = { type: chance() < 0.95 ? pick(chance, types) : value(chance, depth) };
  if (chance() < 0.7) made.room_name = pick(chance, ['friends', 'family', 'investments']);
  for (let count = Math.floor(chance() * 4); count > 0; count -= 1) made[pick(chance, fields)] = value(chance, depth);
  return made;
}

/** Text with some characters lost, doubled or replaced. */
function mangle(chance: Chance, text: string): string {
  const at = Math.floor(chance() * text.length);
  return text.slice(0, at) + pick(chance, ['', text.slice(at, at + 5), '"', '{', '\0', '\ufffd']) + text.slice(at + 1);
}

/** A client message as text or bytes, as a WebSocket frame or a body. */
export function randomFrame(chance: Chance): string | Buffer {
  const kind = chance();
  if (kind < 0.6) return JSON.stringify(message(chance));
  if (kind < 0.7) return JSON.stringify(Array.from({ length: Math.floor(chance() * 12) }, () => value(chance, 2)));
  if (kind < 0.8) return mangle(chance, JSON.stringify(message(chance)));
  if (kind < 0.85) return JSON.stringify(value(chance, 3));
  if (kind < 0.88) return `${'['.repeat(20_000)}1`;
  if (kind < 0.89) return JSON.stringify({ type: 'help', padding: 'z'.repeat(66_000) });
  return Buffer.from(Array.from({ length: Math.floor(chance() * 40) }, () => Math.floor(chance() * 256)));
}

/** `tokens`, `cursors`: some that are good, or were. */
export type Known = { tokens: readonly string[]; cursors: readonly string[] };

export type RandomRequest = {
  method: string;
  target: string;
  headers: Record<string, string>;
  body: string | Buffer | undefined;
};

export function randomRequest(chance: Chance, known: Known): RandomRequest {
  const method = pick(chance, [
    'GET',
    'GET',
    'GET',
    'GET',
    'POST',
    'POST',
    'POST',
    'POST',
    'DELETE',
    'HEAD',
    'PUT',
    'OPTIONS',
  ]);
  const path = pick(chance, [
    '/sse/chat',
    '/sse/chat/',
    '/poll/chat',
    '/poll/chat/',
    '/ws/chat',
    '/sse/chat//',
    '/poll',
  ]);
  const query: string[] = [];
  const headers: Record<string, string> = {};
  const token = pick(chance, [...known.tokens, ...known.tokens, 'nonsense', '%00', '']);
  if (chance() < 0.8) query.push(`token=${token}`);
  else
    headers.authorization = pick(chance, [`Token ${token}`, `Bearer ${token}`, `token  ${token}`, 'Token', 'Basic x']);
  if (chance() < 0.5) query.push(`cursor=${randomCursor(chance, known)}`);
  if (chance() < 0.1)
    headers['last-event-id'] = pick(chance, [randomCursor(chance, known), 'resumed-elsewhere', 'kicked']);
  // Short, so that the run is.
  if (chance() < 0.8) query.push(`wait=${pick(chance, ['0', '0', '0', '1', '-1', '56', 'x', '%ff', ''])}`);
  if (chance() < 0.1) query.push('takeover=1');
  if (chance() < 0.1) query.push(`session=${pick(chance, ['x', '', '%', randomCursor(chance, known)])}`);
  const body = ['POST', 'PUT', 'DELETE'].includes(method) && chance() < 0.95 ? randomFrame(chance) : undefined;
  if (body !== undefined) {
    headers['content-type'] =
      chance() < 0.9 ? 'application/json' : pick(chance, ['text/plain', 'application/x-www-form-urlencoded', 'x']);
  }
  return { method, target: `${path}?${query.join('&')}`, headers, body };
}

function randomCursor(chance: Chance, { cursors }: Known): string {
  const good = pick(chance, [...cursors, 'AAAAAAAAAAAAAAAAAAAAAA.1']);
  if (chance() < 0.5) return good;
  const n = pick(chance, ['0', '1', '2', '5', '-1', '99999999999999999999', 'x', '']);
  return chance() < 0.7
    ? `${good.split('.')[0]}.${n}`
    : pick(chance, ['.', 'x', '%00', '%zz', '%ed%a0%80', 'q'.repeat(3000)]);
}
