/** What a run met, and what it must have met to prove anything. */
import { transportKinds } from './lines.ts';
import type { Tally } from './parts.ts';

export function report(tally: Tally): string {
  return Array.from(tally.all)
    .sort(([a], [b]) => a.localeCompare(b))
    .map(([name, count]) => `${String(count).padStart(8)}  ${name}`)
    .join('\n');
}

const pairs = transportKinds.flatMap((from) => transportKinds.map((to) => `resumed ${from} > ${to}`));

/** What each run of some tens of seconds meets. */
export const expected: readonly string[] = [
  ...pairs,
  ...transportKinds.map((kind) => `new session by ${kind}`),
  'not resumed',
  'not resumed within the grace',
  'repeat',
  'sdk: handed over',
  ...['auto', 'websocket', 'sse', 'poll'].map((wish) => `sdk: resumed by ${wish}`),
  'history read',
  'send unknown',
  'fatal resumed-elsewhere',
  'fatal session-expired',
  'fault: cut by reset',
  'fault: cut by end',
  'fault: half-open',
  'fault: delay',
  'fault: pieces',
  'fault: stall up',
  'fault: stall down',
  'fault: answer lost',
  'fault: request late',
  'fault: POST twice',
  'fault: GET twice',
  'fault: stream opened twice, the first kept',
  'fault: stream opened twice, the second kept',
];

/** What was expected and has not happened. */
export function missing(tally: Tally): string[] {
  return expected.filter((name) => tally.of(name) === 0);
}
