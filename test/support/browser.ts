/**
 * Headless Chromium, the system's own, for one file of tests: one process with a profile in a temporary folder, a fresh
 * context (cookies, caches, connections) for each page. And a server of empty pages, for an origin of their own.
 */

import { once } from 'node:events';
import { readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext, TestFn } from 'ava';
import { type BrowserContext, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import type { ChatPage, Seen as PlainSeen } from '../browser/page/chat-page.ts';
import type { SdkPage, SdkSeen } from '../browser/page/sdk-page.ts';
import { killAtOnce, listProcesses, type Process } from './processes.ts';
import { findProgram, makeFolder, notePid, programTest, settlesWithin } from './services.ts';

declare global {
  // Both are in the page, where functions given to `evaluate` run.
  var chatPage: ChatPage;
  var sdkPage: SdkPage;
}

export type Seen = PlainSeen | SdkSeen;

/** An empty page, beneath whose address the project's files are: the built modules, and the package that they import. */
export const emptyPage: { html: string; folder: string } = {
  html: `<!doctype html><title>page</title><script type="importmap">${JSON.stringify({
    imports: { 'eventsource-parser': './node_modules/eventsource-parser/dist/index.js' },
  })}</script>`,
  // Tests run as dist/test/…: the project is three folders up.
  folder: fileURLToPath(new URL('../../../', import.meta.url)).replace(/\/$/, ''),
};

export type TestPage = {
  readonly page: Page;
  /** Everything that the page reported so far. */
  readonly seen: readonly Seen[];
  /** What the page's console says, for a failed test. */
  readonly said: readonly string[];
  /** Runs a module of test/browser/page in it, as `chat-page` is run already. */
  load(module: string): Promise<void>;
  /** The first that matches among those after the one returned last; waits for it. */
  next<T extends Seen = Seen>(matches: (seen: Seen) => boolean): Promise<T>;
};

export type OpenPage = (url: string) => Promise<TestPage>;

/** Long enough for a loaded machine; a test that passes never waits for it. */
const deadlineMs = 15_000;
/** For a browser to end by itself, on a loaded machine. */
const closeMs = 10_000;
/** For what playwright does once the browser was killed. */
const afterKillMs = 2000;
const programs = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable'];

/** Why none can be started here; undefined: one can. */
export function whyNoBrowser(): string | undefined {
  return program() === undefined ? 'Chromium is not installed' : undefined;
}

function program(): string | undefined {
  return programs.map((name) => findProgram(name)).find((file) => file !== undefined);
}

/** `missing`: why another program that it needs cannot be started. */
export type BrowserTest = (
  title: string,
  body: (t: ExecutionContext, open: OpenPage) => Promise<void>,
  missing?: string,
) => void;

/** A page with cookies, caches and connections of its own; closed in teardown. */
export type NewContext = (options?: BrowserContextOptions) => Promise<BrowserContext>;

/**
 * For one file of tests: what registers a test that gets contexts of a browser. Without Chromium it shows as skipped,
 * with the reason. One after the other: a browser is busy enough.
 */
export function createContextTest(
  test: TestFn,
): (title: string, body: (t: ExecutionContext, newContext: NewContext) => Promise<void>, missing?: string) => void {
  let browser: Promise<LaunchedBrowser> | undefined;
  test.after.always(async () => (await browser)?.close());
  return (title, body, missing) =>
    programTest(test.serial, whyNoBrowser() ?? missing, title, async (t) => {
      browser ??= launchBrowser();
      const { newContext } = await browser;
      await body(t, async (options) => {
        const context = await newContext(options);
        t.teardown(() => context.close());
        return context;
      });
    });
}

export type LaunchedBrowser = {
  /** The browser's first process. */
  readonly pid: number;
  newContext: NewContext;
  /** Resolves in any case: a browser that does not end is killed. */
  close(): Promise<void>;
};

/**
 * A name for this machine that browsers take for another one's: over plain HTTP its pages have no secure context, as those
 * of a server in somebody's own network.
 */
export const plainHost = 'plain.example';

/** The system's Chromium, with a profile in a temporary folder. */
export async function launchBrowser(options: { closeMs: number } = { closeMs }): Promise<LaunchedBrowser> {
  const folder = await makeFolder('browser');
  const profile = await chromium.launchPersistentContext(folder, {
    executablePath: program() ?? '',
    headless: true,
    // Its sandbox does not run as root; nothing but this project's own pages runs in it.
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      `--host-resolver-rules=MAP ${plainHost} 127.0.0.1`,
    ],
    env: { ...process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_CACHE_HOME: folder },
    // Its handlers would keep this process alive when AVA ends it, which waits for it then.
    handleSIGINT: false,
    handleSIGTERM: false,
    handleSIGHUP: false,
  });
  const pid = await findBrowser(folder);
  await notePid(folder, pid);
  return {
    pid,
    async newContext(contextOptions) {
      const context = await profile.browser()?.newContext(contextOptions);
      if (context === undefined) throw new Error('The browser gives no context.');
      return context;
    },
    async close() {
      // Playwright waits for the end of the browser, and of all that holds its pipes.
      const closed = profile.close().catch(() => {});
      if (!(await settlesWithin(closed, options.closeMs))) {
        await killBrowser(folder);
        await settlesWithin(closed, afterKillMs);
      }
      await rm(folder, { recursive: true, force: true, maxRetries: 3 });
    },
  };
}

/**
 * All that was started with its profile. Killing its group, as playwright does, leaves its crash handlers: they lead
 * groups of their own, and hold its pipes, for whose end playwright would wait for ever.
 */
async function killBrowser(folder: string): Promise<void> {
  for (const { pid, args } of await listProcesses()) if (args.includes(folder)) killAtOnce(pid);
}

/** Playwright does not tell which process it started. */
async function findBrowser(folder: string): Promise<number> {
  const isIt = ({ parent, args }: Process): boolean =>
    parent === process.pid && args.includes(`--user-data-dir=${folder}`);
  const found = (await listProcesses()).find(isIt);
  if (found === undefined) throw new Error('The browser has no process.');
  return found.pid;
}

/** For one file of tests: what registers a test that gets empty pages. */
export function createBrowserTest(test: TestFn): BrowserTest {
  const contextTest = createContextTest(test);
  return (title, body, missing) =>
    contextTest(title, (t, newContext) => body(t, async (url) => openPage(await newContext(), url)), missing);
}

/** `url`: where the empty page is. */
async function openPage(context: BrowserContext, url: string): Promise<TestPage> {
  const page = await context.newPage();
  const seen: Seen[] = [];
  const said: string[] = [];
  let noticed: () => void = () => {};
  let read = 0;
  page.on('console', (message) => said.push(message.text()));
  page.on('pageerror', (error) => said.push(String(error)));
  await page.exposeFunction('report', (entry: Seen) => {
    seen.push(entry);
    noticed();
  });
  await page.goto(url);
  const load = async (module: string): Promise<void> => {
    const address = new URL(`dist/test/browser/page/${module}.js`, url).href;
    // Text: TypeScript would rewrite a call of `import`. And a script that is added would not be waited for.
    await page.evaluate(`import(${JSON.stringify(address)}).then(() => undefined)`);
  };
  await load('chat-page');

  return {
    page,
    seen,
    said,
    load,
    async next<T extends Seen>(matches: (entry: Seen) => boolean): Promise<T> {
      const late = AbortSignal.timeout(deadlineMs);
      for (;;) {
        const found = seen.findIndex((entry, index) => index >= read && matches(entry));
        if (found >= 0) {
          read = found + 1;
          return seen[found] as T;
        }
        if (late.aborted) throw new Error(`The page has not seen it. It saw ${JSON.stringify({ seen, said })}`);
        await Promise.race([
          new Promise<void>((resolve) => {
            noticed = resolve;
          }),
          once(late, 'abort'),
        ]);
      }
    },
  };
}

/** A server with an origin of its own: the empty page at `/`. Resolves its address. */
export async function startPageServer(t: ExecutionContext): Promise<string> {
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    if (path === '/') {
      response.setHeader('Content-Type', 'text/html').end(emptyPage.html);
      return;
    }
    readFile(new URL(`.${path}`, `file://${emptyPage.folder}/`)).then(
      (text) => response.setHeader('Content-Type', 'text/javascript').end(text),
      () => response.writeHead(404).end(),
    );
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}
