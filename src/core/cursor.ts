/** Cursors, `<session>.<n>`: a session, and how many of its counted messages have arrived at its client. */
import { limits } from '../protocol/limits.ts';

export type Cursor = { readonly session: string; readonly n: number };

// Sixteen digits hold every safe integer; what is above is refused by its value.
const form = /^([A-Za-z0-9_-]+)\.(0|[1-9]\d{0,15})$/;

export function formatCursor({ session, n }: Cursor): string {
  return `${session}.${n}`;
}

/** Undefined: the text is no cursor. */
export function parseCursor(text: string): Cursor | undefined {
  const [, session = '', digits = ''] = form.exec(text) ?? [];
  const n = Number(digits);
  if (session === '' || session.length > limits.sessionIdLength || !Number.isSafeInteger(n)) return undefined;
  return { session, n };
}
