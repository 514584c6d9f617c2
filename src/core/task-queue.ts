/**
 * The client messages of one session that wait for their turn. Owns the order in which they take effect: messages to
 * rooms go to the log without waiting for each other; every other client message waits until the earlier ones have their
 * outcomes, and those after it wait for it. It must not know what a client message does.
 */
import type { ClientFrame } from '../protocol/frames.ts';
import { limits } from '../protocol/limits.ts';
import type { TaskExport } from './session-state.ts';
import type { EncodedFrame } from './transport.ts';

export type Task = ClientFrame | { type: 'answer'; frame: EncodedFrame } | { type: 'end' };

export interface TaskRunner {
  /** Where it returns a promise, what follows waits for it; the promise must not reject. */
  runTask(task: Task): Promise<void> | undefined;
  /** Where it returns false, the task and what follows wait until `goOn` is called and it returns true. */
  mayRunTask(task: Task): boolean;
}

export class TaskQueue {
  readonly #runner: TaskRunner;
  #waiting: { task: Task; bytes: number }[] = [];
  /** Bytes of the client messages that wait. */
  #bytes = 0;
  #isRunning = false;
  #isPaused = false;
  /** Called when nothing is under way any more. */
  #onSettled: (() => void)[] = [];
  /** Messages that wait for their outcome from the log. */
  #appending = 0;

  constructor(runner: TaskRunner) {
    this.#runner = runner;
  }

  /** Whether messages went to the log whose outcome is not known yet. */
  get isAppending(): boolean {
    return this.#appending > 0;
  }

  /** Whether a client message of that size has no room any more. */
  isFull(bytes: number): boolean {
    return this.#waiting.length >= limits.queuedFrames || this.#bytes + bytes > limits.queuedBytes;
  }

  add(task: Task, bytes = 0): void {
    this.#waiting.push({ task, bytes });
    this.#bytes += bytes;
    this.#pump();
  }

  /** What a client message that is being run leaves to be done as soon as those before it have their outcomes. */
  addNext(task: Task): void {
    this.#waiting.unshift({ task, bytes: 0 });
  }

  clear(): void {
    this.#waiting = [];
    this.#bytes = 0;
  }

  /** A message goes to the log. The returned function is to be called when its outcome is known. */
  beginAppend(): () => void {
    this.#appending += 1;
    return () => {
      this.#appending -= 1;
      if (this.#appending === 0) this.#pump();
      this.#settle();
    };
  }

  /** Nothing begins from now on; what is under way goes on. */
  pause(): void {
    this.#isPaused = true;
  }

  unpause(): void {
    this.#isPaused = false;
    this.#pump();
  }

  /** Resolves when what is under way has its outcome. */
  settled(): Promise<void> {
    return new Promise((resolve) => {
      this.#onSettled.push(resolve);
      this.#settle();
    });
  }

  /** What waits, in order. */
  export(): TaskExport[] {
    return this.#waiting.flatMap(({ task, bytes }): TaskExport[] => {
      if (task.type === 'end') return [];
      return task.type === 'answer' ? [{ answer: task.frame.bytes.toString() }] : [{ frame: task, bytes }];
    });
  }

  /** Puts what waited elsewhere behind what waits here. */
  import(tasks: readonly TaskExport[]): void {
    for (const task of tasks) {
      if ('answer' in task) this.add({ type: 'answer', frame: { bytes: Buffer.from(task.answer) } });
      else this.add(task.frame, task.bytes);
    }
  }

  /** What `mayRun` looks at has changed. */
  goOn(): void {
    this.#pump();
  }

  #pump(): void {
    while (!this.#isRunning && !this.#isPaused) {
      const next = this.#waiting[0];
      if (next === undefined) return;
      const { task, bytes } = next;
      const waits = task.type !== 'message' && this.#appending > 0;
      if (waits || !this.#runner.mayRunTask(task)) return;
      this.#waiting.shift();
      this.#bytes -= bytes;
      const running = this.#runner.runTask(task);
      if (running !== undefined) void this.#await(running);
    }
  }

  async #await(running: Promise<void>): Promise<void> {
    this.#isRunning = true;
    await running;
    this.#isRunning = false;
    this.#pump();
    this.#settle();
  }

  #settle(): void {
    if (this.#onSettled.length === 0 || this.#isRunning || this.#appending > 0) return;
    for (const resolve of this.#onSettled.splice(0)) resolve();
  }
}
