/**
 * The browser's storages, made safe: a page may be refused them, they may be full, and what is in them may be of an
 * older page or of nobody's making. Then things are kept for as long as the page lives, and read as absent.
 */

/** The part of `Storage` that is used. */
export type KeyValueStore = {
  getItem(key: string): string | null;
  setItem(key: string, value: string): void;
  removeItem(key: string): void;
};

export type Store = {
  readText(key: string): string | undefined;
  /** What was written as JSON; undefined where there is nothing, or nothing that can be read. */
  read(key: string): unknown;
  /** `undefined` removes it. Tells whether it will outlive the page. */
  writeText(key: string, text: string | undefined): boolean;
  write(key: string, value: unknown): boolean;
};

/** `open`: a function, since merely naming `localStorage` throws where the browser forbids it. */
export function createStore(open: () => KeyValueStore): Store {
  let store: KeyValueStore | undefined;
  try {
    store = open();
  } catch {
    store = undefined;
  }
  /** What could not be stored. */
  const kept = new Map<string, string>();

  const readText = (key: string): string | undefined => {
    const own = kept.get(key);
    if (own !== undefined) return own;
    try {
      return store?.getItem(key) ?? undefined;
    } catch {
      return undefined;
    }
  };
  const writeText = (key: string, text: string | undefined): boolean => {
    kept.delete(key);
    try {
      if (text === undefined) store?.removeItem(key);
      else store?.setItem(key, text);
      if (store !== undefined) return true;
    } catch {
      // Full, or forbidden.
    }
    if (text !== undefined) kept.set(key, text);
    return false;
  };
  return {
    readText,
    writeText,
    read(key) {
      const text = readText(key);
      if (text === undefined) return undefined;
      try {
        return JSON.parse(text);
      } catch {
        return undefined;
      }
    },
    write: (key, value) => writeText(key, value === undefined ? undefined : JSON.stringify(value)),
  };
}

/** What outlives the page, for all pages of this origin. */
export const browserStore: Store = createStore(() => localStorage);

/** Where the token is: chat and administration share it. */
export const tokenKey = 'finchat.token';

/** Where, in the tab's storage, a chat page leaves what it showed. Nobody is to find it there who comes after a log-out. */
export const snapshotKey = 'finchat.chat';
