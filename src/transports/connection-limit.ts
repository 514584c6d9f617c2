/** How many chat connections this server holds, over all transports. */

export interface ConnectionLimit {
  readonly size: number;
  /** Counts a connection; the returned function, which may be called more than once, ends it. Undefined: there is no room for one. */
  enter(): (() => void) | undefined;
}

export function createConnectionLimit(max: number): ConnectionLimit {
  let size = 0;
  return {
    get size() {
      return size;
    },
    enter() {
      if (size >= max) return undefined;
      let isIn = true;
      size += 1;
      return () => {
        if (isIn) size -= 1;
        isIn = false;
      };
    },
  };
}
