/** A browser's storage, in memory. */
import type { KeyValueStore } from '../../src/web/common/storage.ts';

export type FakeStorage = KeyValueStore & { readonly entries: Map<string, string> };

export function createFakeStorage(copied?: FakeStorage): FakeStorage {
  const entries = new Map(copied?.entries);
  return {
    entries,
    getItem: (key) => entries.get(key) ?? null,
    setItem: (key, value) => void entries.set(key, value),
    removeItem: (key) => void entries.delete(key),
  };
}
