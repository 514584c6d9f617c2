/** The variables that settings are read from: the environment, and `.env` beneath it. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { parse as parseDotenv } from 'dotenv';
import { ConfigError, type Env } from './config.ts';

/**
 * The environment with the `.env` of a folder beneath it. What is set already wins, also with an empty text, as dotenv
 * itself has it: so that a setting of `.env` can be taken away for one run. No file: the environment alone.
 */
export function readEnvironment(env: Env, folder: string): Env {
  let file: string;
  try {
    file = readFileSync(resolve(folder, '.env'), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return env;
    throw new ConfigError([`.env cannot be read: ${(error as Error).message}`], { cause: error });
  }
  const merged: Record<string, string | undefined> = parseDotenv(file);
  for (const [key, value] of Object.entries(env)) if (value !== undefined) merged[key] = value;
  return merged;
}
