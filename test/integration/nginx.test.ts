/** The chat behind Debian's nginx with its default buffering: the site that docs/OPERATIONS.md shows, and the shortest one. */
import type { ExecutionContext } from 'ava';
import test from 'ava';
import { startApp, type TestApp } from '../support/app.ts';
import { clusterTest, type TestCluster } from '../support/cluster-apps.ts';
import { startNginx, whyNoNginx } from '../support/nginx.ts';
import { openRawClient } from '../support/raw-client.ts';
import { transportNames } from '../support/raw-collector.ts';
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

const ways = [
  ['documented', 'websocket'],
  ['documented', 'sse'],
  ['documented', 'poll'],
  ['plain', 'sse'],
  ['plain', 'poll'],
] as const;

for (const [site, transport] of ways) {
  programTest(
    test,
    missing,
    `the chat goes on through the ${site} site by ${transport}, one event at a time`,
    async (t) => {
      const app = await startApp(t, { env: { TRUST_PROXY: '1' } });
      const nginx = await startNginx(t, app.url, { site });
      const token = await app.login('ada');
      const ada = await openRawClient(t, nginx.url, { token, transport });
      await ada.next({ code: 'api-motd' });
      await ada.ask({ type: 'join', room_name: 'friends' }, { code: 'joined', you: true });
      const bob = await app.chat('bob');
      await bob.ask({ type: 'join', room_name: 'friends' }, { code: 'joined', you: true });
      await ada.next({ code: 'joined', user: 'bob' });
      // Each is waited for before the next is sent: nothing of what nginx might hold back is pushed on by what follows.
      for (const body of ['one', 'two', 'three']) {
        bob.send({ type: 'message', room_name: 'friends', body });
        t.is((await ada.next({ code: 'message', body })).user, 'bob');
      }
    },
  );
}

const ofNodes =
  'three nodes behind the documented balancer are one chat over each transport, also when one of them stops';
if (missing !== undefined) programTest(test, missing, ofNodes, async () => {});
else {
  const env = { TRUST_PROXY: '1', SHUTDOWN_SECONDS: '3' };
  clusterTest(test, ofNodes, throughBalancer, { nodes: 3, env });
}

async function throughBalancer(t: ExecutionContext, { nodes }: TestCluster): Promise<void> {
  const [first, second] = nodes as [TestApp, TestApp];
  const urls = nodes.map(({ url }) => url);
  const nginx = await startNginx(t, urls, { site: 'documented' });
  const names = ['ada', 'bob', 'cyd'];
  const clients = await Promise.all(
    transportNames.map(async (transport, index) => {
      const token = await first.login(names[index] ?? '');
      const client = await openRawClient(t, nginx.url, { token, transport, resume: true });
      await client.next({ code: 'api-motd' });
      await client.ask({ type: 'join', room_name: 'friends' }, { code: 'joined', you: true });
      return client;
    }),
  );
  // Each request of the last two may go to another node than the one before.
  for (const body of ['one', 'two', 'three']) {
    for (const client of clients) {
      client.send({ type: 'message', room_name: 'friends', body });
      await Promise.all(clients.map((each) => each.next({ code: 'message', body })));
    }
  }
  const shown = clients.map(({ frames }) => frames.filter(({ code }) => code === 'message').map(({ id }) => id));
  const all = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  t.deepEqual(shown, [all, all, all]);

  await second.app.close();
  const token = await first.login('dan');
  for (let call = 0; call < 6; call += 1) {
    const headers = { authorization: `Token ${token}`, connection: 'close' };
    t.is((await fetch(`${nginx.url}/rooms`, { headers })).status, 200);
  }
}

programTest(test, missing, 'the pages come through both sites as the server sends them', async (t) => {
  const app = await startApp(t);
  for (const site of ['documented', 'plain'] as const) {
    const nginx = await startNginx(t, app.url, { site });
    const page = await fetch(`${nginx.url}/`, { headers: { connection: 'close', 'accept-encoding': 'br' } });
    t.is(page.status, 200, site);
    t.is(page.headers.get('content-encoding'), 'br', 'not decompressed, not compressed again');
    t.is(page.headers.get('cache-control'), 'no-cache');
    t.regex(page.headers.get('content-security-policy') ?? '', /script-src 'self'/);
    t.regex(await page.text(), /^<!doctype html>/);
  }
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
