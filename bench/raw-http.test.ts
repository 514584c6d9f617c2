import test from 'ava';
import { createResponseReader } from './raw-http.ts';
import { createEventReader } from './raw-stream.ts';

/** What a reader makes of bytes that arrive in pieces of one size. The pieces share a buffer, as a socket's do. */
function readInPieces(bytes: Buffer, size: number): { status: number; body: string }[] {
  const responses: { status: number; body: string }[] = [];
  let body = '';
  const reader = createResponseReader({
    onPart: (part, from, to) => {
      body += part.toString('latin1', from, to);
    },
    onDone: (status) => {
      responses.push({ status, body });
      body = '';
    },
  });
  const shared = Buffer.alloc(size);
  for (let at = 0; at < bytes.length; at += size) {
    const length = bytes.copy(shared, 0, at, at + size);
    reader.push(shared.subarray(0, length));
  }
  return responses;
}

test('responses are read the same however they are cut into pieces', (t) => {
  const bytes = Buffer.from(
    [
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello',
      'HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n',
      'HTTP/1.1 204 No Content\r\nX-Other: 1\r\n\r\n',
      'HTTP/1.1 409 Conflict\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456\r\n8\r\n0\r\nTrailer: 1\r\n\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}',
    ].join(''),
  );
  const expected = [
    { status: 200, body: 'hello' },
    { status: 202, body: '' },
    { status: 204, body: '' },
    { status: 409, body: 'abc0123456\r\n8' },
    { status: 200, body: '{}' },
  ];
  for (let size = 1; size <= bytes.length; size += 1) t.deepEqual(readInPieces(bytes, size), expected);
});

test('a body without length or chunks goes on until the connection ends', (t) => {
  let body = '';
  const reader = createResponseReader({
    onPart: (bytes, from, to) => {
      body += bytes.toString('latin1', from, to);
    },
    onDone: () => t.fail('the body is not complete'),
  });
  reader.push(Buffer.from('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\ndata: 1\n\n'));
  reader.push(Buffer.from('data: 2\n\n'));
  t.is(body, 'data: 1\n\ndata: 2\n\n');
});

test('the data of each event is read however the stream is cut into pieces', (t) => {
  const bytes = Buffer.from(
    'retry: 2000\n\n: a comment\n\nid: s.1\ndata: {"a":1}\n\ndata:{"b":"data: 2"}\nid: s.2\n\n:\n\n',
  );
  for (let size = 1; size <= bytes.length; size += 1) {
    const seen: string[] = [];
    const reader = createEventReader((part, from, to) => seen.push(part.toString('utf8', from, to)));
    const shared = Buffer.alloc(size);
    for (let at = 0; at < bytes.length; at += size) reader.push(shared, 0, bytes.copy(shared, 0, at, at + size));
    t.deepEqual(seen, ['{"a":1}', '{"b":"data: 2"}']);
  }
});
