/**
 * Changes single values of an `.env` text and leaves every other line as it is. What it writes is read alike by dotenv
 * and by docker compose: compose fills in `$NAME` everywhere but within single quotes, and neither has a way to escape
 * a single quote that the other understands. Knows no settings.
 */
import { randomBytes } from 'node:crypto';
import { chmod, open, readFile, rename, rm, stat } from 'node:fs/promises';
import { parse } from 'dotenv';
import { CommandError } from './errors.ts';

/** The value as it stands after `KEY=`. @throws CommandError when no form of it is read alike by both. */
export function quoteEnvValue(key: string, value: string): string {
  if (/^[\w./:@%+,-]*$/.test(value)) return value;
  if (!/[\r\n]/.test(value)) {
    // A backslash before the closing quote would escape it for dotenv.
    if (!value.includes("'") && !value.endsWith('\\')) return `'${value}'`;
    if (!/["$\\`]/.test(value)) return `"${value}"`;
  }
  throw new CommandError(
    `The value of ${key} cannot stand in .env: it has a line break, ends with a backslash, or mixes ' with one of " $ \\ \`. Choose another one.`,
  );
}

/**
 * The text with `key` set: its last line that sets it is replaced, else a line that has it commented out
 * (`# KEY=…`), else it is added at the end.
 */
export function setEnvValue(text: string, key: string, value: string): string {
  const line = `${key}=${quoteEnvValue(key, value)}`;
  const lines = text.split('\n');
  const at = lines.findLastIndex((entry) => new RegExp(`^\\s*(export\\s+)?${key}\\s*[=:]`).test(entry));
  const place = at >= 0 ? at : lines.findIndex((entry) => new RegExp(`^#\\s*${key}=`).test(entry));
  if (place >= 0) lines[place] = line;
  else lines.splice(lines.at(-1) === '' ? -1 : lines.length, 0, line);
  const changed = lines.join('\n').replace(/\n?$/, '\n');
  // A value over several lines would be cut in its middle: see that the result says what was meant, and nothing else changed.
  const before = parse(text);
  const after = parse(changed);
  const others = Object.keys({ ...before, ...after }).filter((other) => other !== key);
  if (after[key] !== value || others.some((other) => before[other] !== after[other])) {
    throw new CommandError(`.env cannot be changed safely: set ${key} in it by hand.`);
  }
  return changed;
}

/** The file's text; undefined when there is none. */
export async function readEnvFile(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new CommandError(`${path} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Replaces the file at once or not at all; only its owner may read it (mode 600), for it holds passwords. */
export async function writeEnvFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(6).toString('hex')}`;
  try {
    const file = await open(draft, 'wx', 0o600);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true });
    throw new CommandError(
      `${path} cannot be written: ${(error as Error).message}. Set the values in the environment instead.`,
      { cause: error },
    );
  }
}

/** Takes the rights of group and others away. False: nothing to do. */
export async function closeEnvFile(path: string): Promise<boolean> {
  if (!(await isOpenToOthers(path))) return false;
  await chmod(path, 0o600);
  return true;
}

/** Whether group or others have rights on the file. Windows has no such rights. */
export async function isOpenToOthers(path: string): Promise<boolean> {
  if (process.platform === 'win32') return false;
  return ((await stat(path)).mode & 0o077) !== 0;
}
