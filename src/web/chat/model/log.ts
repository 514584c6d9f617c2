/** "Server Logs": what happened to the connection and the rooms, and what went wrong; the newest lines of it. */
import { type ReadonlySignal, signal } from '@preact/signals';
import type { LogEntry } from './model.ts';

/** Lines that are kept: some hours of a bad line, and quick to draw. */
const linesMax = 500;

export type Log = {
  readonly lines: ReadonlySignal<readonly LogEntry[]>;
  add(kind: LogEntry['kind'], text: string, code?: string): void;
  /** Only where it is not what the last line about the connection says already. */
  addConnection(text: string): void;
  /** With lines of an earlier page, or none. */
  reset(lines?: readonly LogEntry[]): void;
};

export function createLog(now: () => number): Log {
  const lines = signal<readonly LogEntry[]>([]);
  let lastKey = 0;
  let connection = '';
  const add: Log['add'] = (kind, text, code) => {
    lastKey += 1;
    lines.value = [...lines.peek().slice(1 - linesMax), { key: lastKey, at: now(), kind, text, code }];
  };
  return {
    lines,
    add,
    addConnection(text) {
      if (text === connection) return;
      connection = text;
      add('connection', text);
    },
    reset(earlier = []) {
      connection = '';
      lines.value = earlier.map((line, index) => ({ ...line, key: index + 1 }));
      lastKey = earlier.length;
    },
  };
}
