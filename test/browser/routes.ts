/**
 * The ways between a page and the server, each through a line that the test can cut: straight from another origin, and
 * by both sites of nginx from the same one. Shared by the tests of event streams and of polls.
 */
import type { ExecutionContext } from 'ava';
import { startApp, type TestApp } from '../support/app.ts';
import {
  type BrowserTest,
  emptyPage,
  type OpenPage,
  type Seen,
  startPageServer,
  type TestPage,
} from '../support/browser.ts';
import { startNginx, whyNoNginx } from '../support/nginx.ts';
import type { RawFrame } from '../support/raw-client.ts';
import { openTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';
import type { PageAnswer, PageRequest } from './page/chat-page.ts';

export type Route = 'another origin' | 'the documented nginx' | 'the shortest nginx';
export const routes: readonly Route[] = ['another origin', 'the documented nginx', 'the shortest nginx'];

export type Way = {
  app: TestApp;
  route: Route;
  /** Where the page reaches the server. */
  url: string;
  /** The page's side of the line. */
  line: TcpProxy;
  /** The line between nginx and the server; straight there is none. */
  behind?: TcpProxy;
  /** Another empty page with the same way to the server. */
  openPage(): Promise<TestPage>;
};

export type RouteTest = (title: string, body: (t: ExecutionContext, way: Way, page: TestPage) => Promise<void>) => void;

/** What registers a test once for each of the ways. */
export function createRouteTest(browserTest: BrowserTest, ways: readonly Route[] = routes): RouteTest {
  return (title, body) => {
    for (const route of ways) {
      const run = async (t: ExecutionContext, open: OpenPage): Promise<void> => {
        const way = await openWay(t, route, open);
        await body(t, way, await way.openPage());
      };
      browserTest(`${title} (${route})`, run, route === 'another origin' ? undefined : whyNoNginx());
    }
  };
}

async function openWay(t: ExecutionContext, route: Route, open: OpenPage): Promise<Way> {
  if (route === 'another origin') {
    const pageUrl = await startPageServer(t);
    const app = await startApp(t, { env: { CORS_ORIGINS: new URL(pageUrl).origin } });
    const line = await openLine(t, app.url);
    return { app, route, url: origin(line), line, openPage: () => open(pageUrl) };
  }
  const app = await startApp(t, { env: { TRUST_PROXY: '1' } });
  const site = route === 'the documented nginx' ? 'documented' : 'plain';
  const behind = await openLine(t, app.url);
  const nginx = await startNginx(t, behind.url, { site, pages: emptyPage });
  const line = await openLine(t, nginx.url);
  return { app, behind, route, url: origin(line), line, openPage: () => open(`${origin(line)}/pages/`) };
}

async function openLine(t: ExecutionContext, url: string): Promise<TcpProxy> {
  const line = await openTcpProxy(url);
  t.teardown(() => line.close());
  return line;
}

function origin(line: TcpProxy): string {
  return new URL(line.url).origin;
}

/** What a page's fetch is answered. */
export async function ask({ page, said }: TestPage, url: string, request: PageRequest = {}): Promise<PageAnswer> {
  const answer = await page.evaluate(([to, how]) => globalThis.chatPage.ask(to, how), [url, request] as const);
  if (answer === 'network') throw new Error(`The page cannot read ${url}: ${said.join('\n')}`);
  return answer;
}

export function openStream({ page }: TestPage, url: string): Promise<void> {
  return page.evaluate((to) => globalThis.chatPage.openStream(to), url);
}

/** A message of the server as the page saw it: its `id:`, and what it says. */
export type Arrived = { id: string; frame: RawFrame };

/** The next message that has all of these. */
export async function nextFrame(page: TestPage, wanted: Record<string, unknown>): Promise<Arrived> {
  const seen = await page.next((entry) => {
    const frame = arrived(entry)?.frame;
    return frame !== undefined && Object.entries(wanted).every(([key, value]) => frame[key] === value);
  });
  return arrived(seen) as Arrived;
}

/** All that have come so far. */
export function allArrived(page: TestPage): Arrived[] {
  return page.seen.flatMap((entry) => arrived(entry) ?? []);
}

function arrived(seen: Seen): Arrived | undefined {
  return seen.kind === 'message' ? { id: seen.id, frame: JSON.parse(seen.data) as RawFrame } : undefined;
}
