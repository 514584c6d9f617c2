/** Help texts that all commands share. Knows Commander, no command. */
import type { Command } from 'commander';

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
