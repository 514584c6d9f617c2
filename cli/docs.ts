/** `docs/CLI.md`, made from the program itself: every command's help as the terminal shows it. */
import type { Command } from 'commander';
import { createContext, type Surroundings } from './context.ts';
import { commands, createProgram } from './program.ts';

// As wide as a terminal is at least.
const width = 80;

/** The page. `surroundings` are asked for nothing: no command runs. */
export async function renderCommandDocs(surroundings: Surroundings): Promise<string> {
  const names = commands.map(({ name }) => name);
  const program = await createProgram(createContext(surroundings), names);
  const sections = listCommands(program).map(({ path, command }) => {
    const heading = `${'#'.repeat(Math.max(path.length, 2))} `;
    return `${heading}${path.join(' ')}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\``;
  });
  return `${intro}\n\n${sections.join('\n\n')}\n`;
}

const intro = `# The command line

<!-- Written by \`npm run docs\` from the program; a test holds it against the program. -->

In a clone, each command is run with \`npx finchat …\`; in the container, \`finchat …\`. The settings come from the environment
and from \`.env\` in the working directory, so that any command can be pointed at any database
(\`DATABASE_URL=postgres://… npx finchat rooms list\`). What a command changes reaches a running server within a second.
What it does is noted in the audit log (\`finchat audit\`), under the name of the operating system's user.

- Results go to stdout, questions, notes and errors to stderr. With \`--json\`, stdout holds one JSON document and nothing
  else; times in it are ISO 8601 in UTC, in tables \`YYYY-MM-DD HH:MM:SS\` in UTC.
- Exit codes: 0 done; 1 refused or failed, with a sentence on stderr that says what to do; 2 a command or option that
  does not exist or does not fit.
- What destroys something asks first on a terminal; without a terminal it needs \`--yes\`.
- Nothing is asked where there is no terminal: the sentence on stderr names the flags to use.`;

function listCommands(command: Command, above: string[] = []): { path: string[]; command: Command }[] {
  const path = [...above, command.name()];
  const below = command.commands.filter((entry) => entry.name() !== 'help');
  return [{ path, command }, ...below.flatMap((entry) => listCommands(entry, path))];
}

function helpOf(command: Command): string {
  let help = '';
  command.configureOutput({
    writeOut: (text) => {
      help += text;
    },
    getOutHelpWidth: () => width,
    getOutHasColors: () => false,
  });
  command.outputHelp();
  return help.trimEnd();
}
