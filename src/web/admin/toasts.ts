/** Words about what was just done: shown for a while, said once by screen readers. */
import { type ReadonlySignal, signal } from '@preact/signals';

/** More at once nobody reads. */
const most = 3;

export type Toast = { key: number; text: string };
export type Toasts = {
  /** Oldest first. */
  readonly list: ReadonlySignal<readonly Toast[]>;
  say(text: string): void;
  dismiss(key: number): void;
};

export function createToasts(): Toasts {
  const list = signal<readonly Toast[]>([]);
  let last = 0;
  return {
    list,
    say(text) {
      last += 1;
      list.value = [...list.value, { key: last, text }].slice(-most);
    },
    dismiss(key) {
      list.value = list.value.filter((toast) => toast.key !== key);
    },
  };
}
