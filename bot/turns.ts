/**
 * Who is next: a bounded number of jobs runs at once, and those that wait take turns by user, so that nobody's many jobs
 * stand before another's one.
 */

export type Turns = {
  /** Jobs that wait. */
  readonly waiting: number;
  /** Runs the job when its turn has come; resolves when it is over. The job must not reject. */
  run(user: string, job: () => Promise<void>): Promise<void>;
};

export function createTurns(concurrent: number): Turns {
  /** Jobs of each user, oldest first; the users in the order in which they are next. */
  const queues = new Map<string, (() => void)[]>();
  let running = 0;
  let waiting = 0;

  function next(): void {
    const [entry] = queues;
    if (entry === undefined || running >= concurrent) return;
    const [user, queue] = entry;
    const begin = queue.shift();
    queues.delete(user);
    // Behind all others who wait.
    if (queue.length > 0) queues.set(user, queue);
    running += 1;
    waiting -= 1;
    begin?.();
  }

  return {
    get waiting() {
      return waiting;
    },
    async run(user, job) {
      await new Promise<void>((resolve) => {
        const queue = queues.get(user);
        if (queue === undefined) queues.set(user, [resolve]);
        else queue.push(resolve);
        waiting += 1;
        next();
      });
      try {
        await job();
      } finally {
        running -= 1;
        next();
      }
    },
  };
}
