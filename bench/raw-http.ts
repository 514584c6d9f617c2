/** Reads HTTP/1.1 responses off one connection, in the framings that servers use: a length, chunks, or neither. */

export type ResponseEvents = {
  /** `head` is the status line and the header lines. */
  onHead?(status: number, head: string): void;
  /** A part of the body as it arrives: these bytes, valid only during the call. */
  onPart(bytes: Buffer, from: number, to: number): void;
  /** The body is complete; the next response may follow. */
  onDone(status: number): void;
};

export type ResponseReader = { push: (chunk: Buffer) => void };

const lineEnd = Buffer.from('\r\n');
const headEnd = Buffer.from('\r\n\r\n');

/**
 * head → body of a known length → head
 * head → body until the connection ends
 * head → size → that many bytes → size … → size 0 → trailer → head
 */
export function createResponseReader(events: ResponseEvents): ResponseReader {
  let state: 'head' | 'body' | 'size' | 'trailer' = 'head';
  let isChunked = false;
  let status = 0;
  /** Bytes of the body, or of the chunk, that have not come. */
  let left = 0;
  // What is left of a head or a line whose end has not come.
  let rest: Buffer | undefined;

  function finish(): void {
    state = 'head';
    events.onDone(status);
  }

  function readHead(head: string): void {
    status = Number(head.slice(9, 12));
    events.onHead?.(status, head);
    isChunked = /^transfer-encoding:[^\r\n]*\bchunked\b/im.test(head);
    left = isChunked || status === 204 ? 0 : Number(header(head, 'content-length') ?? Number.POSITIVE_INFINITY);
    if (isChunked) state = 'size';
    else if (left > 0) state = 'body';
    else finish();
  }

  /** A size, or the empty line behind a chunk, or a trailer. */
  function readLine(line: string): void {
    if (state === 'trailer') {
      if (line === '') finish();
    } else if (line !== '') {
      left = Number.parseInt(line, 16);
      state = left > 0 ? 'body' : 'trailer';
    }
  }

  function readPart(bytes: Buffer, from: number): number {
    const to = Math.min(bytes.length, from + left);
    left -= to - from;
    events.onPart(bytes, from, to);
    if (left === 0 && isChunked) state = 'size';
    else if (left === 0) finish();
    return to;
  }

  return {
    push: (chunk) => {
      const bytes = rest === undefined ? chunk : Buffer.concat([rest, chunk]);
      rest = undefined;
      let at = 0;
      while (at < bytes.length) {
        if (state === 'body') {
          at = readPart(bytes, at);
          continue;
        }
        const mark = state === 'head' ? headEnd : lineEnd;
        const end = bytes.indexOf(mark, at);
        if (end === -1) {
          // A copy: the chunk is the shared buffer.
          rest = Buffer.from(bytes.subarray(at));
          return;
        }
        const text = bytes.toString('latin1', at, end);
        at = end + mark.length;
        if (state === 'head') readHead(text);
        else readLine(text);
      }
    },
  };
}

export function header(head: string, name: string): string | undefined {
  return new RegExp(`^${name}:[ \\t]*([^\\r\\n]*)`, 'im').exec(head)?.[1];
}
