/** The places for chat connections: whatever becomes of a request, it gives its place back. */
import test from 'ava';
import { startApp } from '../support/app.ts';
import { sendRaw } from './rest-server.ts';

for (const path of ['/sse/chat', '/poll/chat']) {
  test(`a request that is never answered, because the one before it ends the connection, takes no place (${path})`, async (t) => {
    const { url } = await startApp(t, { env: { MAX_CONNECTIONS: '1' } });
    const chat = `GET ${path}?token=x HTTP/1.1\r\nHost: x\r\n\r\n`;
    // Node itself answers a request without Host, and closes.
    const answers = await sendRaw(Number(new URL(url).port), `${chat}GET / HTTP/1.1\r\n\r\n${chat}`);
    t.deepEqual(answers.match(/HTTP\/1\.1 \d+/g), ['HTTP/1.1 401', 'HTTP/1.1 400']);
    const { status } = await fetch(`${url}${path}?token=x`);
    t.is(status, 401);
  });
}
