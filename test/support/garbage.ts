/** What nobody holds any more is gone: for tests of what is kept. */
import { setImmediate as turn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
}

/** Those that something still holds. (A new reference holds what it is to for the rest of its turn.) */
export async function keptOf<Thing extends object>(references: readonly WeakRef<Thing>[]): Promise<Thing[]> {
  await turn();
  collectGarbage();
  return references.flatMap((reference) => reference.deref() ?? []);
}
