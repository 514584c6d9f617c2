/**
 * The bot's state file: small, whole at any moment, and of one running bot at a time. Knows whose it is and how it is
 * written, not what it means.
 *
 * The owner is noted at its beginning, and the owner writes it every few seconds. An owner is alive while the file is
 * fresh and, on the same machine, its process is there; containers have process ids of their own, so that the same id as
 * ours is the one we had before we were killed. Everything is synchronous, so that nothing happens in the middle.
 */
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';

export const stateFileTimes = {
  /** Milliseconds between two writes at most. */
  beatMs: 5000,
  /** Milliseconds after which a file is no longer fresh: two beats missed, and well within the usual grace of 30 s. */
  staleMs: 15_000,
} as const;

/** Of this form. Another one is not read. */
const version = 1;
// Twice what a thousand commands take at most: more is some other file.
const longestBytes = 64 * 1024 * 1024;

export type StateFileDeps = {
  path: string;
  /** Of this process. */
  owner: Owner;
  /** Milliseconds since 1970, as file systems count. */
  now: () => number;
  isAlive: (pid: number) => boolean;
};

/** `id`: random. */
export type Owner = { id: string; host: string; pid: number };

/** `ours`: read what is in it and write at once. `ignored`: why there are no contents although there is a file. */
export type Claim =
  | { kind: 'ours'; contents: unknown; ignored?: string }
  | { kind: 'taken'; contents: unknown; sentence: string }
  | { kind: 'unusable'; sentence: string };

/** Another process has taken the file over. */
export class StateFileLost extends Error {}

export type StateFile = {
  readonly path: string;
  /** Whether this process may have it, and what is in it. Changes nothing. */
  claim(): Claim;
  /** Takes the file, or keeps it. @throws StateFileLost, or an error of the file system; the file is as it was then. */
  write(contents: object): void;
  /** Writes a last time and gives the file free. @throws as `write`. */
  release(contents: object): void;
};

export function openStateFile({ path, owner, now, isAlive }: StateFileDeps): StateFile {
  const ownHead = headOf(owner);
  let isOurs = false;

  function put(head: string, contents: object): void {
    if (isOurs && isTakenOver()) throw new StateFileLost(`${path} was taken over by another process`);
    // Beside it, or the rename would not be atomic. Made anew each time, so that it is a file of ours with these rights.
    const temporary = `${path}.tmp`;
    if (!isOurs) makeFolder(dirname(path));
    rmSync(temporary, { force: true });
    writeFileSync(temporary, `${head},"contents":${JSON.stringify(contents)}}\n`, { mode: 0o600, flag: 'wx' });
    renameSync(temporary, path);
  }

  function isTakenOver(): boolean {
    try {
      return !readFileSync(path, 'utf8').startsWith(ownHead);
    } catch {
      // Removed: written anew. Unreadable: the write will say why.
      return false;
    }
  }

  return {
    path,
    claim() {
      let text: string;
      let ageMs: number;
      try {
        const { size, mtimeMs } = statSync(path);
        if (size > longestBytes) return foreign(path);
        text = readFileSync(path, 'utf8');
        ageMs = Math.abs(now() - mtimeMs);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { kind: 'ours', contents: undefined };
        return { kind: 'unusable', sentence: `${path} cannot be read: ${(error as Error).message}.` };
      }
      // What a power cut may leave is nothing, or zeros. A mistaken path must not cost anybody a database.
      const isBlank = text.replaceAll('\0', '').trim() === '';
      if (!isBlank && !text.startsWith('{"finbot":')) return foreign(path);
      const file = parse(text);
      if (file === undefined) return { kind: 'ours', contents: undefined, ignored: `${path} is damaged` };
      const { finbot, contents } = file;
      const holder = readOwner(file['owner']);
      if (holder !== undefined && holder.id !== owner.id && ageMs < stateFileTimes.staleMs) {
        const isHere = holder.host === owner.host;
        if (!isHere || (holder.pid !== owner.pid && isAlive(holder.pid))) {
          const who = `process ${holder.pid}${isHere ? '' : ` on ${holder.host}`}`;
          return { kind: 'taken', contents, sentence: `${path} is in use by another running bot, ${who}.` };
        }
      }
      if (finbot === version) return { kind: 'ours', contents };
      return { kind: 'ours', contents: undefined, ignored: `${path} is of another version of the bot` };
    },
    write(contents) {
      put(ownHead, contents);
      isOurs = true;
    },
    release(contents) {
      put(headOf(null), contents);
      isOurs = false;
    },
  };
}

/** Whether a process of this machine is there. */
export function isProcessAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The folder alone, not those above it: Node's `recursive` never comes back where a file system says ENOENT to all. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o700 });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

function headOf(owner: Owner | null): string {
  return `{"finbot":${version},"owner":${JSON.stringify(owner)}`;
}

function foreign(path: string): Claim {
  return { kind: 'unusable', sentence: `${path} is no state file of the bot, so it is left as it is.` };
}

function parse(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>;
  } catch {
    return undefined;
  }
}

function readOwner(value: unknown): Owner | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { id, host, pid } = value as Partial<Record<string, unknown>>;
  const isOwner = typeof id === 'string' && typeof host === 'string' && Number.isSafeInteger(pid) && Number(pid) > 0;
  return isOwner ? { id, host, pid: Number(pid) } : undefined;
}
