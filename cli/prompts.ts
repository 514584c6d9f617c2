/**
 * Questions on the terminal, asked on stderr so that stdout holds results only. Loads inquirer with the first question.
 * Ctrl-C, Ctrl-D and a closed terminal reject with Cancelled.
 */
import type { Key } from 'node:readline';
import type { Context } from './context.ts';
import { Cancelled, CommandError } from './errors.ts';

type Streams = Pick<Context, 'stdin' | 'stderr'>;
type Validate = (value: string) => true | string | Promise<true | string>;
type Question = Record<string, unknown> & { type: 'input' | 'password' | 'confirm' | 'select'; message: string };

export function hasTerminal({ stdin, stderr }: Streams): boolean {
  return stdin.isTTY && stderr.isTTY;
}

/** @throws CommandError with `instead`, a sentence that says how to do without questions. */
export function demandTerminal(streams: Streams, instead: string): void {
  if (!hasTerminal(streams)) throw new CommandError(`There is no terminal to ask on. ${instead}`);
}

export async function askText(
  streams: Streams,
  message: string,
  options: { default?: string; validate?: Validate } = {},
): Promise<string> {
  return String(await ask(streams, { type: 'input', message, ...options })).trim();
}

/** Nothing of the answer is shown. */
export async function askHidden(streams: Streams, message: string): Promise<string> {
  return String(await ask(streams, { type: 'password', message, mask: false, toggleMask: false }));
}

export async function askYesNo(streams: Streams, message: string, preset: boolean): Promise<boolean> {
  return (await ask(streams, { type: 'confirm', message, default: preset })) === true;
}

export async function askChoice<const T extends string>(
  streams: Streams,
  message: string,
  choices: readonly { value: T; name: string }[],
  preset: T,
): Promise<T> {
  return (await ask(streams, { type: 'select', message, choices, default: preset })) as T;
}

/**
 * Asks before something is destroyed. `yes`: the `--yes` flag was given.
 * @throws CommandError without a terminal, Cancelled when the answer is no.
 */
export async function confirmDestruction(streams: Streams, yes: boolean | undefined, question: string): Promise<void> {
  if (yes === true) return;
  demandTerminal(streams, 'Give --yes to go ahead without being asked.');
  if (!(await askYesNo(streams, question, false))) throw new Cancelled();
}

async function ask(streams: Streams, question: Question): Promise<unknown> {
  const { default: inquirer } = await import('inquirer');
  const closed = new AbortController();
  // readline closes on Ctrl-D without settling inquirer's promise; the process would end in the middle of a command.
  const onKey = (_: string | undefined, key: Key): void => {
    if (key.ctrl === true && key.name === 'd') closed.abort();
  };
  const onEnd = (): void => closed.abort();
  streams.stdin.on('keypress', onKey).once('end', onEnd);
  try {
    const prompt = inquirer.createPromptModule({ input: streams.stdin, output: streams.stderr, signal: closed.signal });
    const answers: Record<string, unknown> = await prompt([{ ...question, name: 'answer' }]);
    return answers.answer;
  } catch (error) {
    if (error instanceof Error && /^(Exit|Abort|Cancel)PromptError$/.test(error.name)) throw new Cancelled();
    throw error;
  } finally {
    streams.stdin.off('keypress', onKey).off('end', onEnd);
  }
}
