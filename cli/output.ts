/**
 * What people and scripts read: text, tables and JSON on stdout, notes and errors on stderr. Knows no command.
 * A command prints either for people or, with `--json`, one JSON document and nothing else on stdout.
 */
import type { Writable } from 'node:stream';

export interface Output {
  /** A line for people on stdout. */
  print(line: string): void;
  /** One JSON document on stdout. */
  json(value: unknown): void;
  /** A line on stderr that is no result: progress, warnings, errors. */
  note(line: string): void;
  /** Rewrites the present line of a terminal's stderr; elsewhere nothing. An empty text clears it. */
  progress(text: string): void;
}

export function createOutput(stdout: Writable, stderr: Writable & { isTTY?: boolean }): Output {
  return {
    print: (line) => void stdout.write(`${line}\n`),
    json: (value) => void stdout.write(`${JSON.stringify(value, null, 2)}\n`),
    note: (line) => void stderr.write(`${line}\n`),
    progress(text) {
      // ESC [ K clears to the end of the line (ECMA-48 EL).
      if (stderr.isTTY === true) stderr.write(`\r${text}\u001B[K`);
    },
  };
}

/** Columns with two spaces between; the heads in capitals. `empty` stands where there are no rows. */
export function formatTable(
  heads: readonly string[],
  rows: readonly (readonly (string | number)[])[],
  empty: string,
): string {
  if (rows.length === 0) return empty;
  const lines = [heads.map((head) => head.toUpperCase()), ...rows.map((row) => row.map((cell) => printable(cell)))];
  const widths = heads.map((_, column) => Math.max(...lines.map((line) => displayWidth(line[column] ?? ''))));
  return lines
    .map((line) =>
      line
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - displayWidth(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `name: value` lines, the values one under the other. */
export function formatFields(fields: readonly (readonly [name: string, value: string | number])[]): string {
  const width = Math.max(...fields.map(([name]) => name.length)) + 1;
  return fields.map(([name, value]) => `${`${name}:`.padEnd(width)} ${printable(value)}`.trimEnd()).join('\n');
}

/** A stored text must not move the terminal's cursor or recolour it, nor turn the direction of what stands beside it. */
export function printable(value: string | number): string {
  return String(value).replace(/[\p{Cc}\u202A-\u202E\u2066-\u2069]/gu, '\uFFFD');
}

/** A message's lines as one, for a table. */
export function oneLine(text: string): string {
  return text.replace(/\r\n|[\n\r\u2028\u2029]/g, ' ↵ ');
}

/** `2026-11-22 20:15:00` in UTC, as the chat's stamps; nothing for null. */
export function formatTime(at: number | null): string {
  return at === null ? '' : new Date(at).toISOString().slice(0, 19).replace('T', ' ');
}

const graphemes = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const wide =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Emoji_Presentation}\uFF00-\uFF60]/u;

/** Terminal cells: East Asian letters and emoji take two (UAX 11, roughly). */
function displayWidth(text: string): number {
  let cells = 0;
  for (const { segment } of graphemes.segment(text)) cells += wide.test(segment) ? 2 : 1;
  return cells;
}

/** `1 message`, `2 messages`. */
export function count(amount: number, noun: string): string {
  return `${amount} ${noun}${amount === 1 ? '' : 's'}`;
}
