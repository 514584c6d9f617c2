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

const momentForm = /^(\d{4}-\d\d-\d\d)(?:[T ](\d\d:\d\d(?::\d\d(?:\.\d+)?)?)(Z|[+-]\d\d:\d\d)?)?$/;

/** Reads a time as tables and `--json` print it, in UTC where it names no other zone; milliseconds since the epoch. */
export function moment(value: string): number {
  const [, day, time = '00:00', zone = 'Z'] = momentForm.exec(value.trim()) ?? [];
  const at = day === undefined ? Number.NaN : Date.parse(`${day}T${time}${zone}`);
  // Date.parse takes the 30th of February for the 2nd of March.
  if (Number.isNaN(at) || new Date(`${day}T00:00Z`).toISOString().slice(0, 10) !== day)
    throw new InvalidArgumentError('Give a day, 2026-11-22, or a time, "2026-11-22 20:15", in UTC.');
  return at;
}
