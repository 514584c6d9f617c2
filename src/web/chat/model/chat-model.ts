/**
 * The chat page's model: the contract's signals and actions, each handed to the part whose business it is. Reads no
 * document: storages, visibility and time come in.
 */
import { RequestError } from '../../../client/index.ts';
import { createAccount } from './account.ts';
import { isEnd } from './chatting.ts';
import type { ChatModel, FormFaults } from './model.ts';
import { type ChatModelOptions, createParts, type Parts } from './parts.ts';
import { codeOf } from './sentences.ts';
import { createViews } from './views.ts';
import { Visit } from './visit.ts';
import { watchWake } from './wake.ts';

export type { ChatModelOptions } from './parts.ts';

export function createChatModel(options: ChatModelOptions): ChatModel {
  const parts = createParts(options);
  const { state, rooms, roomList, log, commands } = parts;
  const visit = new Visit(parts);
  const stopWatching = watchWake({
    ...parts,
    onVisible: () => {
      rooms.readIfSeen();
      parts.chat?.refreshIfOld();
    },
    onNetwork: (isOnline) => log.addConnection(isOnline ? parts.texts.online : parts.texts.offline),
    onWake: () => parts.chat?.client.hurry(),
  });
  return {
    ...createViews(parts),
    phase: state.phase,
    link: state.link,
    username: state.username,
    isSuperuser: state.isSuperuser,
    isRefreshing: roomList.isRefreshing,
    place: rooms.place,
    log: log.lines,
    knownCommands: commands.names,
    maxLength: state.maxLength,
    notice: state.notice,
    ...accountActions(parts, visit),
    ...roomActions(parts),
    ...speechActions(parts),
    useHere: async () => {
      visit.useHere();
      await started(parts);
    },
    start: () => visit.start(),
    suspend: () => visit.suspend(),
    unsuspend: () => visit.unsuspend(),
    checkToken: () => visit.checkToken(),
    dismissNotice: () => {
      state.notice.value = undefined;
    },
    async close() {
      stopWatching();
      await visit.close();
    },
  };
}

function accountActions(parts: Parts, visit: Visit): Pick<ChatModel, 'register' | 'login' | 'logout'> {
  const account = createAccount(() => parts.createClient(), parts.sentences);
  const enter = async (outcome: { token: string } | { faults: FormFaults }): Promise<FormFaults | undefined> => {
    if ('faults' in outcome) return outcome.faults;
    visit.begin(outcome.token);
    await started(parts);
    return undefined;
  };
  return {
    register: async (fields) => enter(await account.register(fields)),
    login: async (fields) => enter(await account.login(fields)),
    async logout() {
      const client = parts.chat?.client;
      visit.signOut('signed-out');
      try {
        await client?.logout();
      } catch (error) {
        // Whatever the server says, the token is forgotten here; only whether it lives on is worth a word.
        const isGone = error instanceof RequestError && error.status === 401;
        if (!isGone) parts.state.notice.value = parts.texts.notLoggedOut;
      }
    },
  };
}

function roomActions(
  parts: Parts,
): Pick<ChatModel, 'refreshRooms' | 'openRoom' | 'openLog' | 'leaveRoom' | 'loadOlder'> {
  const { rooms, log, state, sentences, texts } = parts;
  const tell = (error: unknown, sentence: (why: string) => string): void => {
    if (isEnd(error)) return;
    const text = sentence(sentences.other(error));
    log.add('error', text, codeOf(error));
    state.notice.value = text;
  };
  return {
    refreshRooms: async () => parts.chat?.refresh(true),
    async openRoom(name) {
      const before = rooms.place.peek();
      rooms.show({ kind: 'room', name });
      if (rooms.get(name) !== undefined) return;
      try {
        await parts.chat?.join(name);
      } catch (error) {
        if (rooms.isShown(name)) rooms.showAgain(before);
        tell(error, (why) => texts.notJoined(name, why));
        void parts.chat?.refresh(false);
      }
    },
    openLog: () => rooms.show({ kind: 'log' }),
    async leaveRoom(name) {
      try {
        await parts.chat?.leave(name);
      } catch (error) {
        tell(error, (why) => texts.notLeft(name, why));
      }
    },
    async loadOlder(name) {
      const room = rooms.get(name);
      if (room === undefined) return;
      try {
        await parts.chat?.loadOlder(room);
      } catch (error) {
        tell(error, (why) => texts.olderNotRead(name, why));
      }
    },
  };
}

function speechActions({
  rooms,
  sending,
}: Parts): Pick<ChatModel, 'send' | 'resend' | 'discard' | 'setAtEnd' | 'markRead'> {
  return {
    send(name, text) {
      const room = rooms.get(name);
      if (room === undefined) return;
      sending.send(room, text);
      // Whoever answers has read.
      if (rooms.isShown(name)) rooms.markRead();
      room.newFrom.value = undefined;
    },
    resend(name, key) {
      const room = rooms.get(name);
      if (room !== undefined) sending.resend(room, key);
    },
    discard(name, key) {
      const room = rooms.get(name);
      if (room !== undefined) sending.discard(room, key);
    },
    setAtEnd: (isAtEnd) => rooms.setAtEnd(isAtEnd),
    markRead: () => rooms.markRead(),
  };
}

/** Resolves when it is decided what becomes of a start. */
function started({ state }: Parts): Promise<void> {
  return new Promise((resolve) => {
    const stop = state.phase.subscribe((phase) => {
      if (phase.kind === 'starting') return;
      resolve();
      queueMicrotask(() => stop());
    });
  });
}
