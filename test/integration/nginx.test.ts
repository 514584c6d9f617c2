/** The chat behind Debian's nginx with its default buffering: the site that docs/OPERATIONS.md shows, and the shortest one. */
import test from 'ava';
import { startApp } from '../support/app.ts';
import { startNginx, whyNoNginx } from '../support/nginx.ts';
import { openRawClient } from '../support/raw-client.ts';
import { programTest } from '../support/services.ts';

const missing = whyNoNginx();

programTest(test, missing, 'the documented site passes WebSockets and keeps tokens out of its log', async (t) => {
  const app = await startApp(t, { env: { TRUST_PROXY: '1' } });
  const nginx = await startNginx(t, app.url, { site: 'documented' });
  const token = await app.login('ada');
  const client = await openRawClient(t, nginx.url, { token });
  await client.next({ code: 'api-motd' });
  await client.ask({ type: 'list' }, { code: 'list' });
  client.socket.close();
  await client.closed;
  const log = await nginx.accessLog();
  t.regex(log, /GET \/ws\/chat" 101/);
  t.notRegex(log, new RegExp(token));
});

programTest(test, missing, 'a site of proxy_pass alone passes REST, and breaks WebSockets', async (t) => {
  const app = await startApp(t);
  const nginx = await startNginx(t, app.url, { site: 'plain' });
  const token = await app.login('ada');
  const rooms = await fetch(`${nginx.url}/rooms`, {
    headers: { authorization: `Token ${token}`, connection: 'close' },
  });
  t.is(rooms.status, 200);
  t.is(((await rooms.json()) as unknown[]).length, 3);
  await t.throwsAsync(openRawClient(t, nginx.url, { token }));
});
