/** A page of another origin in Chromium: what CORS_ORIGINS lets it read, and what it may not without. */
import test from 'ava';
import { startApp } from '../support/app.ts';
import { createBrowserTest, startPageServer, type TestPage } from '../support/browser.ts';
import type { PageAnswer, PageRequest } from './page/chat-page.ts';

const browserTest = createBrowserTest(test);

function ask({ page }: TestPage, url: string, request: PageRequest = {}): Promise<PageAnswer | 'network'> {
  return page.evaluate(([to, how]) => globalThis.chatPage.ask(to, how), [url, request] as const);
}

/** As far as it is an answer. */
async function read(page: TestPage, url: string, request?: PageRequest): Promise<PageAnswer> {
  const answer = await ask(page, url, request);
  if (answer === 'network') throw new Error(`The page cannot read ${url}: ${page.said.join('\n')}`);
  return answer;
}

const account = { username: 'ada', password: 'a long enough pass-phrase' };

browserTest('a page of a named origin registers, logs in, reads rooms and logs out', async (t, open) => {
  const pageUrl = await startPageServer(t);
  const { url } = await startApp(t, { env: { CORS_ORIGINS: new URL(pageUrl).origin } });
  const page = await open(pageUrl);
  t.is((await read(page, `${url}/register`, { method: 'POST', json: account })).status, 200);
  const login = await read(page, `${url}/login`, { method: 'POST', json: account });
  const { token } = JSON.parse(login.body) as { token: string };
  const rooms = await read(page, `${url}/rooms`, { token });
  t.is((JSON.parse(rooms.body) as unknown[]).length, 3);
  t.is((await read(page, `${url}/logout`, { method: 'POST', token })).status, 204);
  const refused = await read(page, `${url}/rooms`, { token });
  t.is(refused.status, 401);
  t.is(refused.headers['www-authenticate'], 'Token');
});

browserTest('a page of a named origin reads how long to wait', async (t, open) => {
  const pageUrl = await startPageServer(t);
  const { url } = await startApp(t, { env: { CORS_ORIGINS: '*' } });
  const page = await open(pageUrl);
  const attempt = (): Promise<PageAnswer> =>
    read(page, `${url}/login`, { method: 'POST', json: { ...account, password: 'wrong' } });
  let last = await attempt();
  for (let tries = 0; tries < 100 && last.status === 400; tries += 1) last = await attempt();
  t.is(last.status, 429);
  t.true(Number(last.headers['retry-after']) > 0);
});

browserTest('a page of an origin that is not named can read nothing and send no JSON', async (t, open) => {
  const pageUrl = await startPageServer(t);
  const app = await startApp(t, { env: { CORS_ORIGINS: 'https://app.example.org' } });
  const page = await open(pageUrl);
  t.is(await ask(page, `${app.url}/healthz`), 'network');
  t.is(await ask(page, `${app.url}/register`, { method: 'POST', json: account }), 'network');
  const login = await app.request('POST', '/login', { body: account });
  t.is(login.status, 400, 'its preflight was refused, so there is no such account');
});

browserTest(
  'a WebSocket needs no named origin: it carries no cookies, and its token is the page’s own',
  async (t, open) => {
    const pageUrl = await startPageServer(t);
    const app = await startApp(t);
    const token = await app.login('ada');
    const page = await open(pageUrl);
    const address = `${app.url.replace('http', 'ws')}/ws/chat?token=${token}`;
    await page.page.evaluate((to) => globalThis.chatPage.openSocket(to), address);
    const { data } = await page.next<{ kind: 'message'; id: string; data: string }>(({ kind }) => kind === 'message');
    t.like(JSON.parse(data), { type: 'notification', code: 'api-motd' });
  },
);

browserTest('a page of a named origin that chats by an event stream asks leave to post only once', async (t, open) => {
  const pageUrl = await startPageServer(t);
  const app = await startApp(t, { env: { CORS_ORIGINS: new URL(pageUrl).origin, METRICS_PORT: '0' } });
  const countPreflights = async (): Promise<number> => {
    const answer = await fetch(`http://127.0.0.1:${app.metricsPort}/metrics`, { headers: { connection: 'close' } });
    const lines = (await answer.text()).matchAll(/^finchat_http_requests_total\{([^}]*)\} (\d+)/gm);
    return [...lines].reduce((sum, [, labels, count]) => sum + (labels?.includes('OPTIONS') ? Number(count) : 0), 0);
  };
  await app.login('ada');
  const page = await open(pageUrl);
  await page.load('sdk-page');
  const enter = (url: string): Promise<string> =>
    page.page.evaluate(
      ([to, password]) =>
        globalThis.sdkPage.enter({ url: to, transport: 'sse' }, { username: 'ada', password }, 'friends'),
      [url, account.password] as const,
    );
  await enter(app.url);
  const before = await countPreflights();
  t.true(before > 0);
  for (let said = 0; said < 5; said += 1) await page.page.evaluate(() => globalThis.sdkPage.send('friends', 'hello'));
  t.is(await countPreflights(), before);
});
