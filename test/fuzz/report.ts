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

/** How what each run of some tens of seconds meets begins. What is rarer is reported, but not asked for. */
const expected: readonly string[] = [
  ...pairs,
  ...transportKinds.map((kind) => `new session by ${kind}`),
  ...['auto', 'websocket', 'sse', 'poll'].map((wish) => `sdk: resumed by ${wish}`),
  'sdk: handed over',
  'not resumed within the grace',
  'repeat',
  'history read',
  'send unknown',
  'fault: cut by reset',
  'fault: cut by end',
  'fault: half-open',
  'fault: delay',
  'fault: pieces',
  'fault: stall',
  'fault: answer lost',
  'fault: request late',
  'fault: POST twice',
  'fault: GET twice',
  'fault: stream opened twice',
];

/** What was expected and has not happened. */
export function missing(tally: Tally): string[] {
  const names = Array.from(tally.all.keys());
  return expected.filter((beginning) => !names.some((name) => name.startsWith(beginning)));
}
