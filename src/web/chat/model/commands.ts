/** Commands as people type them, and which of them are worth an offer. */
import { computed, type ReadonlySignal, signal } from '@preact/signals';
import { limits } from '../../../protocol/limits.ts';
import type { Store } from '../../common/storage.ts';

/** Letters, digits and `_ . -`, so that a path or a sum is no command. */
const form = new RegExp(`^/([\\p{L}\\p{N}_.-]{1,${limits.commandLength}})=([\\s\\S]*)$`, 'u');

/** `/name=value`, the value as it was typed; undefined: the text is a message. */
export function parseCommand(text: string): { command: string; payload: string } | undefined {
  const [, command, payload] = form.exec(text.trim()) ?? [];
  return command === undefined || payload === undefined ? undefined : { command, payload };
}

/** What the project's own bot understands. */
const stock = 'stock';
/** Names that are kept: a list that nobody reads to its end helps nobody. */
const knownMax = 50;
const key = 'finchat.commands';

export type KnownCommands = { readonly names: ReadonlySignal<readonly string[]>; note(name: string): void };

/** The commands seen, over all rooms and visits; the oldest are forgotten first. */
export function createKnownCommands(store: Store): KnownCommands {
  const stored = store.read(key);
  const isName = (name: unknown): name is string =>
    typeof name === 'string' && parseCommand(`/${name}=x`) !== undefined;
  const seen = signal<readonly string[]>(Array.isArray(stored) ? stored.filter(isName).slice(0, knownMax) : []);
  return {
    names: computed(() => [...new Set([stock, ...seen.value])].sort((a, b) => a.localeCompare(b))),
    note(name) {
      if (name === seen.peek()[0] || !isName(name)) return;
      seen.value = [name, ...seen.peek().filter((other) => other !== name)].slice(0, knownMax);
      store.write(key, seen.peek());
    },
  };
}
