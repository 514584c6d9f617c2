/** What a page does with the SDK in the browser tests, as an application would: the browser's own fetch and WebSocket. */
import { type Client, type ClientOptions, createClient, type ExportedSession } from '../../../src/client/index.ts';

export type SdkPage = {
  /** Resolves the token. */
  enter(options: ClientOptions, credentials: { username: string; password: string }, room: string): Promise<string>;
  /** Resolves the message's id. */
  send(room: string, body: string): Promise<number>;
  /** Enters and leaves a room, and sends a command to another, all at once. Resolves once all of it took effect. */
  pass(through: string, room: string, command: string): Promise<void>;
  transport(): string | undefined;
  /** Leaves the chat when the page goes away. */
  leaveWithPage(): void;
  /** Keeps the session for the page that comes after this one in its tab. */
  keepForNextPage(): void;
  /** Goes on where the page before was. */
  goOn(options: ClientOptions): Promise<void>;
  close(): Promise<void>;
};

/** What is reported, beside what `chat-page` does. */
export type SdkSeen =
  | { kind: 'said'; id: number; user: string; body: string }
  | { kind: 'session'; resumed: boolean }
  | { kind: 'transport'; transport: string | undefined }
  | { kind: 'error'; code: string; readyState?: never }
  | { kind: 'end'; reason: string };

declare global {
  var sdkPage: SdkPage;
}

let client: Client | undefined;

function tell(seen: SdkSeen): void {
  void globalThis.report(seen);
}

function entered(): Client {
  if (client === undefined) throw new Error('The page has no client yet.');
  return client;
}

function follow(made: Client): Client {
  made.on('message', ({ id, user, body }) => tell({ kind: 'said', id, user, body }));
  made.on('session', ({ resumed }) => tell({ kind: 'session', resumed }));
  made.on('transport', ({ transport }) => tell({ kind: 'transport', transport }));
  made.on('error', ({ code }) => tell({ kind: 'error', code }));
  made.on('end', ({ reason }) => tell({ kind: 'end', reason }));
  return made;
}

globalThis.sdkPage = {
  async enter(options, credentials, room) {
    const made = follow(createClient(options));
    client = made;
    const token = await made.login(credentials);
    await made.connect();
    await made.join(room);
    return token;
  },
  async send(room, body) {
    const { id } = await entered().send(room, body);
    return id;
  },
  async pass(through, room, command) {
    const one = entered();
    await Promise.all([one.join(through), one.part(through), one.command(room, command, 'x')]);
  },
  leaveWithPage() {
    const one = entered();
    addEventListener('pagehide', () => void one.close());
  },
  keepForNextPage() {
    const one = entered();
    addEventListener('pagehide', () => sessionStorage.setItem('chat', JSON.stringify(one.session.export())));
  },
  async goOn(options) {
    const kept = sessionStorage.getItem('chat');
    if (kept === null) throw new Error('The page before has kept nothing.');
    client = follow(createClient(options));
    await client.connect({ resume: JSON.parse(kept) as ExportedSession });
  },
  transport: () => entered().transport,
  close: () => entered().close(),
};
