/** How many chat connections this server holds, over all transports. */

export interface ConnectionLimit {
  readonly size: number;
  /** Counts a connection; false: there is no room for one. */
  enter(): boolean;
  /** To be called once for each that was counted, when it has ended. Needs no `this`: it is a listener as it is. */
  readonly leave: () => void;
}

export function createConnectionLimit(max: number): ConnectionLimit {
  let size = 0;
  return {
    get size() {
      return size;
    },
    enter() {
      if (size >= max) return false;
      size += 1;
      return true;
    },
    leave() {
      size -= 1;
    },
  };
}
