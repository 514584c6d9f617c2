/** Small stand-ins for the bot's surroundings: a client whose ends the test decides, a log and a wait that are noted. */
import type { BotLog } from '../../bot/command.ts';
import type { StateFile } from '../../bot/state-file.ts';
import type { Wait } from '../../bot/wait.ts';
import {
  ChatError,
  type ClientEvents,
  type ConnectionState,
  type EndReason,
  type ExportedSession,
  FatalError,
  type RoomStatus,
} from '../../src/client/index.ts';

export type NotedLog = BotLog & { readonly lines: string[] };

export function createNotedLog(): NotedLog {
  const lines: string[] = [];
  const note = (level: string) => (sentence: string) => {
    lines.push(`${level}: ${sentence}`);
  };
  return { lines, info: note('info'), warn: note('warn'), error: note('error') };
}

/** Waits shorter than a minute pass at once; a minute lasts until one of the signals aborts. All are noted. */
export function createNotedWait(): { wait: Wait; waits: number[] } {
  const waits: number[] = [];
  return {
    waits,
    async wait(ms, ...signals) {
      waits.push(ms);
      if (ms !== 60_000) return;
      await new Promise<void>((resolve) => {
        for (const signal of signals) {
          if (signal.aborted) resolve();
          signal.addEventListener('abort', () => resolve(), { once: true });
        }
      });
    },
  };
}

type Listeners = { [Name in keyof ClientEvents]?: Set<(event: ClientEvents[Name]) => void> };

/** The part of the SDK's client that the bot uses, over a server that is a list of rooms. */
export class FakeClient {
  /** The server's rooms, and whether the bot is in them. */
  readonly server: Map<string, boolean> = new Map();
  readonly calls: string[] = [];
  /** What the next calls of `connect` do: resolve, or reject with the error. Beyond the list they resolve. */
  readonly connects: (Error | undefined)[] = [];
  readonly logins: (Error | undefined)[] = [];
  readonly state: ConnectionState = 'open';
  token: string | undefined;
  /** Called after each `connect` that resolves. */
  onConnected: () => void = () => {};
  readonly #listeners: Listeners = {};

  on<Name extends keyof ClientEvents>(name: Name, listener: (event: ClientEvents[Name]) => void): () => void {
    const own = (this.#listeners[name] ??= new Set() as never) as Set<(event: ClientEvents[Name]) => void>;
    own.add(listener);
    return () => own.delete(listener);
  }

  emit<Name extends keyof ClientEvents>(name: Name, event: ClientEvents[Name]): void {
    for (const listener of this.#listeners[name] ?? []) listener(event);
  }

  /** Listeners that are still there. */
  get listening(): number {
    return Object.values(this.#listeners).reduce((sum, own) => sum + own.size, 0);
  }

  end(reason: EndReason): void {
    for (const name of this.server.keys()) this.server.set(name, false);
    this.emit('end', { reason, error: new FatalError(reason) });
  }

  login({ username }: { username: string }): Promise<string> {
    this.calls.push(`login ${username}`);
    const error = this.logins.shift();
    if (error !== undefined) return Promise.reject(error);
    this.token = `token of ${username}`;
    return Promise.resolve(this.token);
  }

  logout(): Promise<void> {
    this.calls.push(`logout ${this.token}`);
    this.token = undefined;
    return Promise.resolve();
  }

  connect({ resume }: { resume?: ExportedSession } = {}): Promise<void> {
    this.calls.push(`connect with ${this.token}${resume === undefined ? '' : ` from ${resume.cursor}`}`);
    const error = this.connects.shift();
    if (error !== undefined) return Promise.reject(error);
    queueMicrotask(() => this.onConnected());
    return Promise.resolve();
  }

  close(): Promise<void> {
    this.calls.push('close');
    return Promise.resolve();
  }

  suspend(): Promise<undefined> {
    this.calls.push('suspend');
    return Promise.resolve(undefined);
  }

  list(): Promise<{ name: string; joined: boolean }[]> {
    return Promise.resolve([...this.server].map(([name, joined]) => ({ name, joined })));
  }

  join(name: string): Promise<RoomStatus> {
    this.calls.push(`join ${name}`);
    if (!this.server.has(name)) return Promise.reject(new ChatError('room:invalid', { name }));
    if (this.server.get(name) === true) return Promise.reject(new ChatError('room:already-joined', { name }));
    this.server.set(name, true);
    return Promise.resolve({ users: [], messages: [], last_id: 0, epoch: 'e' });
  }

  part(name: string): Promise<void> {
    this.calls.push(`part ${name}`);
    this.server.set(name, false);
    return Promise.resolve();
  }
}

export type HeldFile = StateFile & {
  /** What was written last. */
  contents: unknown;
  /** Whether another bot has it. */
  isTaken: boolean;
};

/** A state file that is a variable. */
export function createHeldFile(contents?: unknown): HeldFile {
  return {
    path: 'finbot.json',
    contents,
    isTaken: false,
    claim() {
      if (!this.isTaken) return { kind: 'ours', contents: this.contents };
      return { kind: 'taken', contents: this.contents, sentence: 'finbot.json is in use.' };
    },
    write(next) {
      this.contents = next;
    },
    release(next) {
      this.contents = next;
    },
  };
}

/** Resolves when `condition` holds; rejects after a minute, which only a failing test waits for. */
export async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 60_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error(`This did not come true within a minute: ${condition.toString()}`);
    await new Promise((resolve) => {
      setTimeout(resolve, 2);
    });
  }
}
