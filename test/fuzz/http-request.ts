/** Just enough of HTTP/1.1 (RFC 9112) to hold one request in one's hand: its head and a body of a stated length. */

export type HttpRequest = {
  readonly method: string;
  readonly path: string;
  /** The whole request as it is sent on; the server ends the connection after its answer, so that the answer's end shows. */
  readonly bytes: Buffer;
  readonly kind: RequestKind;
};

/** What answers it: an answer that ends, one that may take its time, or a stream. */
export type RequestKind = 'short' | 'poll' | 'stream';

export type Reading =
  | { state: 'more' }
  /** No request that is understood: it can only be passed on. */
  | { state: 'opaque' }
  | { state: 'request'; request: HttpRequest };

/** Longer heads are nothing that a chat client sends. */
const maxHeadBytes = 16_384;

/** Reads the request that `bytes` begin with. */
export function readRequest(bytes: Buffer): Reading {
  const headEnd = bytes.indexOf('\r\n\r\n');
  if (headEnd === -1) return { state: bytes.length > maxHeadBytes ? 'opaque' : 'more' };
  const [start = '', ...lines] = bytes.toString('latin1', 0, headEnd).split('\r\n');
  const [, method, path] = /^([A-Z]+) (\S+) HTTP\/1\.1$/.exec(start) ?? [];
  if (method === undefined || path === undefined) return { state: 'opaque' };
  const headers = new Map(lines.map((line) => splitHeader(line)));
  if (headers.has('transfer-encoding')) return { state: 'opaque' };
  const end = headEnd + 4 + Number(headers.get('content-length') ?? 0);
  if (bytes.length < end) return { state: 'more' };
  // More than one request at once (pipelining): nobody does that any more.
  if (bytes.length > end) return { state: 'opaque' };
  const isUpgrade = headers.has('upgrade');
  const kept = isUpgrade
    ? lines
    : [...lines.filter((line) => splitHeader(line)[0] !== 'connection'), 'connection: close'];
  const head = Buffer.from(`${[start, ...kept].join('\r\n')}\r\n\r\n`, 'latin1');
  const request = {
    method,
    path,
    bytes: Buffer.concat([head, bytes.subarray(headEnd + 4, end)]),
    kind: kindOf(method, path, isUpgrade),
  };
  return { state: 'request', request };
}

function kindOf(method: string, path: string, isUpgrade: boolean): RequestKind {
  if (isUpgrade || (method === 'GET' && path.startsWith('/sse/chat'))) return 'stream';
  return method === 'GET' && path.startsWith('/poll/chat') ? 'poll' : 'short';
}

function splitHeader(line: string): [name: string, value: string] {
  const colon = line.indexOf(':');
  return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()];
}
