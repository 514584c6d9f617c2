/**
 * A command on a pseudo-terminal, for prompts. util-linux's `script` makes one: Node has none, and node-pty needs a
 * compiler. Where it is missing, the tests show as skipped with that reason.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import type { ExecutionContext, TestFn } from 'ava';
import { findProgram, programTest } from '../support/services.ts';
import { type Desk, type Env, program } from './command-line.ts';

export type Terminal = {
  /** Waits until the screen has shown the text, after what was waited for before. */
  see(text: string): Promise<void>;
  /** Types; `\r` is Enter, `\u0003` Ctrl-C, `\u0004` Ctrl-D. */
  type(text: string): void;
  /** All that the screen has shown, without its control sequences. */
  screen(): string;
  /** Waits for the end; resolves the exit code. */
  ended(): Promise<number | null>;
};

export type OpenTerminal = (args: readonly string[], env?: Env) => Terminal;

// Long enough for a loaded machine; a test that passes never waits for it.
const deadlineMs = 20_000;

/** Registers a test that needs a terminal. */
export function terminalTest(test: TestFn, title: string, body: (t: ExecutionContext) => Promise<void>): void {
  const missing = process.platform === 'linux' && findProgram('script') !== undefined ? undefined : reason;
  // One after the other: a person at a terminal waits for each answer.
  programTest(test.serial, missing, title, body);
}

const reason = 'no util-linux `script` to make a terminal with';

export function openTerminal(t: ExecutionContext, desk: Desk, args: readonly string[], env: Env = {}): Terminal {
  const command = [process.execPath, program, ...args].map(quote).join(' ');
  const child = spawn('script', ['--quiet', '--return', '--flush', '--command', command, '/dev/null'], {
    cwd: desk.folder,
    env: { ...desk.env, TERM: 'xterm', SHELL: '/bin/sh', ...env },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  let shown = '';
  let seenUpTo = 0;
  let wake = (): void => {};
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    shown += text;
    wake();
  });
  const closed = once(child, 'close') as Promise<[number | null]>;
  let hasEnded = false;
  void closed.then(() => {
    hasEnded = true;
    wake();
  });
  t.teardown(async () => {
    // Its end of the terminal hangs up, which ends the command too.
    if (!hasEnded) child.kill('SIGKILL');
    await closed;
  });
  const screen = (): string => stripVTControlCharacters(shown);

  return {
    screen,
    type: (text) => void child.stdin.write(text),
    async see(text) {
      const deadline = Date.now() + deadlineMs;
      for (;;) {
        const at = screen().indexOf(text, seenUpTo);
        if (at >= 0) {
          seenUpTo = at + text.length;
          return;
        }
        const left = deadline - Date.now();
        if (hasEnded || left <= 0) throw new Error(`The terminal never showed "${text}". It showed:\n${screen()}`);
        await new Promise<void>((resolve) => {
          const timer = setTimeout(resolve, left);
          wake = () => {
            clearTimeout(timer);
            resolve();
          };
        });
      }
    },
    async ended() {
      const [code] = await closed;
      return code;
    },
  };
}

/** For the shell that `script` runs. */
function quote(word: string): string {
  return `'${word.replaceAll("'", "'\\''")}'`;
}
