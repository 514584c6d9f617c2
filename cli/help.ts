/** Help texts that all commands share. Knows Commander, no command. */
import { type Command, InvalidArgumentError } from 'commander';

/** Examples below a command's help. Every command has some. */
export function addExamples(command: Command, examples: readonly (readonly [line: string, what: string])[]): void {
  const lines = examples.map(([line, what]) => `  $ ${line}\n      ${what}`);
  command.addHelpText('after', `\nExamples:\n${lines.join('\n')}`);
}

export function addJsonOption(command: Command): Command {
  return command.option('--json', 'print JSON for scripts');
}

export function addYesOption(command: Command): Command {
  return command.option('-y, --yes', 'do not ask before destroying anything');
}

/** Reads an argument or option that is a number from 1. What is beyond its bounds is for the use case to say. */
export function wholeNumber(value: string): number {
  const number = Number(value);
  if (!/^\d+$/.test(value) || !Number.isSafeInteger(number) || number < 1) {
    throw new InvalidArgumentError('Give a whole number from 1.');
  }
  return number;
}
