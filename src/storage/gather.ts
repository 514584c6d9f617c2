/**
 * Puts questions of one turn of the event loop together, for one query to answer. A question waits for the end of its
 * turn, not for a timer. Knows no tables.
 */

type Asked<Key, Value> = {
  key: Key;
  resolve: (value: Value | undefined) => void;
  reject: (error: unknown) => void;
};

/** `ask`: is given `most` keys at most, and resolves what it has found; when it rejects, all who share it are told so. */
export function gather<Key, Value>(
  most: number,
  ask: (keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>,
): (key: Key) => Promise<Value | undefined> {
  let waiting: Asked<Key, Value>[] = [];

  async function answer(batch: readonly Asked<Key, Value>[]): Promise<void> {
    try {
      const found = await ask(batch.map(({ key }) => key));
      for (const { key, resolve } of batch) resolve(found.get(key));
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }

  function answerAll(): void {
    const all = waiting;
    waiting = [];
    for (let from = 0; from < all.length; from += most) void answer(all.slice(from, from + most));
  }

  return (key) =>
    new Promise((resolve, reject) => {
      if (waiting.push({ key, resolve, reject }) === 1) setImmediate(answerAll);
    });
}
