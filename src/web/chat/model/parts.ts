/** What the model is made of, put together: the parts that live as long as the page. What changes with a log-in is the visit's. */
import type { ReadonlySignal } from '@preact/signals';
import { createCall } from '../../../client/call.ts';
import {
  type Client,
  type ClientOptions,
  createClient as createSdkClient,
  type FetchLike,
  type Timers,
} from '../../../client/index.ts';
import { platformFetch, platformTimers } from '../../../client/platform.ts';
import { baseOf } from '../../../client/server-url.ts';
import { createStore, type KeyValueStore, type Store, tokenKey } from '../../common/storage.ts';
import type { Texts } from '../../texts/texts.ts';
import type { Chatting } from './chatting.ts';
import { createKnownCommands, type KnownCommands } from './commands.ts';
import { createLog, type Log } from './log.ts';
import { mentions } from './mentions.ts';
import { OpenRooms } from './open-rooms.ts';
import { createRoomList, type RoomList } from './room-list.ts';
import { Sending } from './sending.ts';
import { codeOf, createSentences, type Sentences } from './sentences.ts';
import { createState, type State } from './state.ts';

export type ChatModelOptions = {
  /** The server's base URL. */
  url: string;
  texts: Texts;
  /** What outlives the tab, and what outlives a reload: functions, since merely naming a storage may throw. */
  localStorage: () => KeyValueStore;
  sessionStorage: () => KeyValueStore;
  /** Whether anybody can see the page. */
  isVisible: ReadonlySignal<boolean>;
  /** Whether the browser believes that there is a network. */
  isOnline?: ReadonlySignal<boolean>;
  createClient?: (options: ClientOptions) => Client;
  fetch?: FetchLike;
  /** Milliseconds since the epoch. */
  now?: () => number;
  timers?: Timers;
};

export type Parts = {
  createClient: (token?: string) => Client;
  isVisible: ReadonlySignal<boolean>;
  isOnline: ReadonlySignal<boolean> | undefined;
  now: () => number;
  timers: Timers;
  local: Store;
  session: Store;
  texts: Texts['chat']['model'];
  sentences: Sentences;
  log: Log;
  state: State;
  rooms: OpenRooms;
  roomList: RoomList;
  commands: KnownCommands;
  sending: Sending;
  /** The chat of the user who is logged in. */
  chat: Chatting | undefined;
  /** What is to be remembered of the rooms has changed. */
  onChange: () => void;
};

/** Milliseconds the list of rooms may take: above the server's own deadlines, so that its answer is seen. */
const listTimeoutMs = 30_000;

export function createParts(options: ChatModelOptions): Parts {
  const { url, isVisible, isOnline, createClient = createSdkClient } = options;
  const now = options.now ?? (() => Date.now());
  const timers = options.timers ?? platformTimers;
  const fetch = options.fetch ?? platformFetch;
  const texts = options.texts.chat.model;
  const local = createStore(options.localStorage);
  const sentences = createSentences(texts);
  const log = createLog(now);
  const state = createState(local.readText(tokenKey) !== undefined);
  const call = createCall(baseOf(url), fetch, timers, listTimeoutMs);
  const username = (): string => state.username.peek() ?? '';
  const parts: Parts = {
    isVisible,
    isOnline,
    now,
    timers,
    local,
    texts,
    sentences,
    log,
    state,
    createClient: (token) => createClient({ url, fetch, timers, ...(token === undefined ? {} : { token }) }),
    session: createStore(options.sessionStorage),
    rooms: new OpenRooms({
      isVisible,
      isMention: (body) => mentions(body, username()),
      onChange: () => parts.onChange(),
    }),
    roomList: createRoomList({
      read: () => call({ method: 'GET', path: '/rooms', token: parts.chat?.client.token }),
      log,
      texts,
    }),
    commands: createKnownCommands(local),
    sending: new Sending({
      sentences,
      now,
      timers,
      username,
      client: () => parts.chat?.client,
      onMaxLength: (length) => {
        state.maxLength.value = Math.min(state.maxLength.peek(), length);
      },
      onFailed: (room, why, error) => log.add('error', texts.notSent(room, why), codeOf(error)),
    }),
    chat: undefined,
    onChange: () => {},
  };
  return parts;
}
