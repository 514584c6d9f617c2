/** One record of the admin API as the page holds it: read, read again, or replaced by what an act answered. */
import { batch, type ReadonlySignal, signal } from '@preact/signals';
import type { CallOptions } from '../../client/call.ts';

export type RecordModel<Item> = {
  /** Undefined: not read yet. It stays when a later reading fails. */
  readonly item: ReadonlySignal<Item | undefined>;
  readonly isReading: ReadonlySignal<boolean>;
  /** What the last reading ended with, when it failed. */
  readonly fault: ReadonlySignal<unknown>;
  /** Never rejects. */
  read(): Promise<void>;
  /** What the server has just answered. A reading under way is older, and given up. */
  replace(item: Item): void;
  close(): void;
};

export function createRecord<Item>(ask: (options: CallOptions) => Promise<Item>): RecordModel<Item> {
  const item = signal<Item | undefined>(undefined);
  const isReading = signal(false);
  const fault = signal<unknown>(undefined);
  let current: AbortController | undefined;
  const settle = (change: () => void): void =>
    batch(() => {
      isReading.value = false;
      change();
    });
  return {
    item,
    isReading,
    fault,
    async read() {
      current?.abort();
      const mine = new AbortController();
      current = mine;
      isReading.value = true;
      try {
        const answer = await ask({ signal: mine.signal });
        if (mine.signal.aborted) return;
        settle(() => {
          item.value = answer;
          fault.value = undefined;
        });
      } catch (error) {
        if (mine.signal.aborted) return;
        settle(() => {
          fault.value = error;
        });
      }
    },
    replace(answer) {
      current?.abort();
      settle(() => {
        item.value = answer;
        fault.value = undefined;
      });
    },
    close: () => current?.abort(),
  };
}
