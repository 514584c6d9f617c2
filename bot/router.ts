/**
 * From commands to answers: picks the handler, runs a bounded number at once, and keeps each failure to itself. Knows
 * neither the connection nor what any command means.
 */
import { LRUCache } from 'lru-cache';
import { answerRef } from './answer.ts';
import { type BotLog, type Command, type Handler, reasonOf } from './command.ts';
import { createTurns } from './turns.ts';

export type Router = {
  /** Takes a command and returns at once. */
  receive(command: Command): void;
  /** Resolves when everything received so far is settled. */
  settled(): Promise<void>;
};

export type RouterDeps = {
  /** By the word behind the slash, matched exactly. Other commands are ignored. */
  handlers: ReadonlyMap<string, Handler>;
  /** Says `body` in the room, once per `ref` however often it is called. Resolves when it is said or given up. */
  say: (room: string, body: string, ref: string, signal: AbortSignal) => Promise<void>;
  /** Is told of each command that is taken, and when it is settled. What the bot's stop leaves open is never settled. */
  open: { add(command: Command): void; remove(command: Command): void };
  log: BotLog;
  /** Aborts when the bot stops: handlers are told, and what has not begun never does. */
  signal: AbortSignal;
  bounds?: Partial<Record<keyof typeof routerBounds, number>>;
};

export const routerBounds = {
  /** Commands at work at once: enough for several rooms, few enough to be kind to the providers. */
  concurrent: 8,
  /** Commands that may wait; more are dropped, or a flood would be answered for minutes. */
  waiting: 1000,
  /**
   * Commands of one user at work or waiting: what may come at once when the bot comes back within the usual grace, a
   * burst of 100 and 20 a second for 30 s. Three quarters of all, so that nobody alone keeps the others from the bot.
   */
  ofUser: 750,
  /** Milliseconds a handler may take before it counts as failed: longer than all providers' deadlines together. */
  handlerMs: 30_000,
  /** Answered commands remembered, so that one received again costs nothing. */
  remembered: 1000,
} as const;

export function createRouter({ handlers, say, open, log, signal, bounds }: RouterDeps): Router {
  const { concurrent, waiting, ofUser, handlerMs, remembered } = { ...routerBounds, ...bounds };
  const turns = createTurns(concurrent);
  const seen = new LRUCache<string, true>({ max: remembered });
  const jobs = new Set<Promise<void>>();
  /** How many commands of each user are not settled. */
  const unsettled = new Map<string, number>();
  let isFull = false;

  async function work(command: Command, handler: Handler, ref: string): Promise<void> {
    if (signal.aborted) return;
    await answer(command, handler, ref);
    if (!signal.aborted) open.remove(command);
  }

  async function answer(command: Command, handler: Handler, ref: string): Promise<void> {
    const name = `/${command.command} in ${command.room}`;
    let text: string | undefined;
    try {
      text = await within(handlerMs, signal, (inner) => handler(command, inner));
    } catch (error) {
      if (signal.aborted) return;
      log.error(`${name} failed: ${reasonOf(error)}`);
      text = `Sorry, /${command.command} failed here. Please try again later.`;
    }
    if (text === undefined || text.trim() === '') return;
    try {
      await say(command.room, text, ref, signal);
    } catch (error) {
      if (!signal.aborted) log.error(`The answer to ${name} could not be said: ${reasonOf(error)}`);
    }
  }

  return {
    receive(command) {
      const handler = handlers.get(command.command);
      if (handler === undefined) return;
      // The next bot answers it.
      if (signal.aborted) return open.add(command);
      const ref = answerRef(command);
      if (seen.has(ref)) return;
      const { user } = command;
      const ofThisUser = unsettled.get(user) ?? 0;
      if (turns.waiting >= waiting || ofThisUser >= ofUser) {
        // Once per flood, or the log would be flooded too.
        const flood =
          ofThisUser >= ofUser ? `More than ${ofUser} commands of one user` : `More than ${waiting} commands`;
        if (!isFull) log.warn(`${flood} wait: those beyond are dropped.`);
        isFull = true;
        return;
      }
      isFull = false;
      seen.set(ref, true);
      open.add(command);
      const job = turns.run(user, () => work(command, handler, ref));
      jobs.add(job);
      unsettled.set(user, ofThisUser + 1);
      void job.finally(() => {
        jobs.delete(job);
        const left = (unsettled.get(user) ?? 1) - 1;
        if (left === 0) unsettled.delete(user);
        else unsettled.set(user, left);
      });
    },
    async settled() {
      await Promise.all(jobs);
    },
  };
}

/** Runs with a signal that aborts after `ms` or with `outer`, and rejects then, whether or not `run` heeds it. */
async function within<T>(ms: number, outer: AbortSignal, run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const control = new AbortController();
  const onOuter = (): void => control.abort(new Error('The bot is stopping.'));
  outer.addEventListener('abort', onOuter, { once: true });
  const timer = setTimeout(() => control.abort(new Error(`It took longer than ${ms} ms.`)), ms);
  try {
    const aborted = new Promise<never>((_resolve, reject) => {
      control.signal.addEventListener('abort', () => reject(control.signal.reason as Error), { once: true });
    });
    return await Promise.race([run(control.signal), aborted]);
  } finally {
    clearTimeout(timer);
    outer.removeEventListener('abort', onOuter);
  }
}
