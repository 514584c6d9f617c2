/** The chat page's model as a page has it, on the real server: storages of a browser that can open several tabs. */

import { join } from 'node:path';
import { effect, type Signal, signal } from '@preact/signals';
import type { ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { type Client, type ClientOptions, createClient } from '../../src/client/index.ts';
import type { Env } from '../../src/config.ts';
import type { Storage } from '../../src/core/ports.ts';
import { createChatModel } from '../../src/web/chat/model/chat-model.ts';
import type { ChatModel, Item, OpenRoom } from '../../src/web/chat/model/model.ts';
import { en } from '../../src/web/texts/en.ts';
import { startApp, temporaryFolder } from '../support/app.ts';
import { createFakeStorage, type FakeStorage } from './fake-storage.ts';

export const password = 'correct horse 7';

/** A server that can be stopped and started again, at the same address and on the same database. */
export type House = {
  readonly url: string;
  stop(): Promise<void>;
  start(): Promise<void>;
  /** The same database as another process would open it. */
  elsewhere(): Promise<Storage>;
};

export async function openHouse(t: ExecutionContext, env: Env = {}): Promise<House> {
  const databaseUrl = `sqlite://${join(await temporaryFolder(t), 'chat.sqlite')}`;
  let app = await startApp(t, { databaseUrl, env });
  const { url } = app;
  return {
    url,
    elsewhere: () => app.elsewhere(),
    async stop() {
      await app.app.close();
      await isRefused(url);
    },
    async start() {
      app = await startApp(t, { databaseUrl, env: { ...env, PORT: new URL(url).port } });
    },
  };
}

/**
 * Resolves once a request finds nobody: this process keeps connections for its next requests, and one that goes out on a
 * connection that is just being closed fails, as it never does in a browser, which tries again by itself.
 */
async function isRefused(url: string): Promise<void> {
  for (;;) {
    const code = await fetch(url).then(
      () => undefined,
      (error: unknown) => (error as { cause?: { code?: string } }).cause?.code,
    );
    if (code === 'ECONNREFUSED') return;
  }
}

/** A tab: reloading it makes another page on the same storages. */
export type Tab = { local: FakeStorage; session: FakeStorage; isVisible: Signal<boolean>; isOnline: Signal<boolean> };
export type Page = {
  model: ChatModel;
  tab: Tab;
  /** Of the newest client that the model made. */
  client(): Client;
  /** The page goes away as it does on a reload; the next one of the tab has started. */
  reload(options?: PageOptions): Promise<Page>;
};
export type PageOptions = Partial<ClientOptions>;

export function createTab(local: FakeStorage = createFakeStorage()): Tab {
  return { local, session: createFakeStorage(), isVisible: signal(true), isOnline: signal(true) };
}

/** A page of the tab, started. */
export function openPage(t: ExecutionContext, url: string, tab: Tab = createTab(), options: PageOptions = {}): Page {
  const clients: Client[] = [];
  const model = createChatModel({
    url,
    texts: en,
    localStorage: () => tab.local,
    sessionStorage: () => tab.session,
    isVisible: tab.isVisible,
    isOnline: tab.isOnline,
    createClient(own) {
      const client = createClient({ transport: 'websocket', WebSocket, ...own, ...options });
      clients.push(client);
      return client;
    },
  });
  t.teardown(() => model.close());
  model.start();
  const client = (): Client => {
    const newest = clients.at(-1);
    if (newest === undefined) throw new Error('The model has made no client.');
    return newest;
  };
  return {
    model,
    tab,
    client,
    async reload(next = options) {
      model.suspend();
      // A page that goes away breaks its connections off and hears nothing more: the session is left to its grace.
      await client().suspend();
      return openPage(t, url, tab, next);
    },
  };
}

/** A page on which somebody new has registered. */
export async function enter(
  t: ExecutionContext,
  url: string,
  username: string,
  options: PageOptions = {},
): Promise<Page> {
  const page = openPage(t, url, createTab(), options);
  const faults = await page.model.register({ username, password, email: '' });
  t.is(faults, undefined);
  await when(() => page.model.phase.value.kind === 'chatting', 'chatting');
  return page;
}

/** Milliseconds until a wait is a failure: far above what a loaded machine needs. */
const deadlineMs = 40_000;

/** Resolves as soon as `isSo` holds, which only reads signals. */
export function when(isSo: () => boolean, what: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let stop = (): void => {};
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`not within ${deadlineMs} ms: ${what}`));
    }, deadlineMs);
    stop = effect(() => {
      if (!isSo()) return;
      clearTimeout(timer);
      queueMicrotask(() => stop());
      resolve();
    });
  });
}

/** The room, joined and shown. */
export async function enterRoom({ model }: Page, name: string): Promise<OpenRoom> {
  await model.openRoom(name);
  await when(() => model.room.value?.name === name, `in ${name}`);
  return roomOf({ model }, name);
}

export function roomOf({ model }: Pick<Page, 'model'>, name: string): OpenRoom {
  const room = model.room.value;
  if (room?.name !== name) throw new Error(`${name} is not shown`);
  return room;
}

/** Items as short text: `ann: hello`, `ann: hello (pending)`, `+ bob`, `- bob`, `ann: /stock=wig`, `ann deleted`. */
export function shown(room: OpenRoom): string[] {
  return room.items.value.map(textOf);
}

function textOf(item: Item): string {
  switch (item.kind) {
    case 'joined':
      return `+ ${item.user}`;
    case 'parted':
      return `- ${item.user}`;
    case 'deleted':
      return `${item.user} deleted`;
    default: {
      const said = item.kind === 'message' ? item.body : `/${item.command}=${item.payload}`;
      return `${item.user}: ${said}${item.delivery.state === 'sent' ? '' : ` (${item.delivery.state})`}`;
    }
  }
}
