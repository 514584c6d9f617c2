/**
 * Runs a program that starts others, here AVA, to an end in any case. AVA waits for each of its processes for ever: one
 * that does not end after its last test, and does not heed the SIGTERM of AVA's own time-out, would hold the run. So
 * what lives when nothing was said for long is named and killed; and everything, once the whole takes too long. Knows
 * nothing of tests.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { descendantsOf, killAtOnce, listProcesses, type Process } from './processes.ts';

export type Watched = {
  readonly env?: NodeJS.ProcessEnv;
  /** Without output for this long, what the program started is killed; the program itself, if that is nothing. */
  readonly silenceMs: number;
  /** After this time everything is killed. */
  readonly wholeMs: number;
  /** Gets what the program writes to its standard output, and what the watchdog does. */
  readonly write: (text: string) => void;
  /** Gets the process, to pass signals on. */
  started?(child: ChildProcess): void;
};

export type Ending = {
  /** null: it was killed. */
  readonly code: number | null;
  /** Something had to be killed: whatever the exit code is, it did not end well. */
  readonly isBroken: boolean;
};

/** For output that is still in the pipe when the program has ended; one of its processes may hold the pipe open. */
const drainMs = 5000;
const longestArgs = 300;

export async function runWatched(file: string, args: readonly string[], watched: Watched): Promise<Ending> {
  const { silenceMs, wholeMs, write } = watched;
  const child = spawn(file, args, { env: watched.env ?? process.env, stdio: ['ignore', 'pipe', 'inherit'] });
  watched.started?.(child);
  const pid = child.pid ?? 0;
  let isBroken = false;

  const kill = async (reason: string, isWhole: boolean): Promise<void> => {
    isBroken = true;
    // Without a list, only the program itself can be ended.
    const left = descendantsOf(pid, await listProcesses().catch((): Process[] => []));
    write(
      `\n${reason} ${left.length === 0 ? 'It has no processes' : 'Of its processes there still are, and are killed'}:\n`,
    );
    for (const { pid, age, computed, args } of left) {
      write(`  ${pid}, for ${age}, of which it computed ${computed}: ${args.slice(0, longestArgs)}\n`);
    }
    // First the one that would start others in their place.
    if (isWhole || left.length === 0) killAtOnce(pid);
    for (const process of left) killAtOnce(process.pid);
  };

  const silence = setTimeout(() => {
    void kill(`Nothing was said for ${inWords(silenceMs)}.`, false);
    silence.refresh();
  }, silenceMs);
  const whole = setTimeout(() => void kill(`The whole has taken ${inWords(wholeMs)}.`, true), wholeMs);
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    silence.refresh();
    write(text);
  });
  try {
    const code = await untilEnd(child);
    return { code, isBroken };
  } finally {
    clearTimeout(silence);
    clearTimeout(whole);
    child.stdout.destroy();
  }
}

/** Resolves the exit code, once the output is complete or somebody else holds it open. */
async function untilEnd(child: ChildProcess): Promise<number | null> {
  const closed = new Promise<void>((resolve) => void child.once('close', () => resolve()));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('exit', resolve).once('error', reject);
  });
  const stop = new AbortController();
  await Promise.race([closed, delay(drainMs, undefined, { signal: stop.signal }).catch(() => {})]);
  stop.abort();
  return code;
}

function inWords(ms: number): string {
  return ms < 60_000 ? `${ms / 1000} s` : `${ms / 60_000} min`;
}
