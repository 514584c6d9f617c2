/**
 * What a command gets: the settings, read when it first asks for them, and the streams. Commands take this as an
 * argument and never touch `process`.
 */
import type { ReadStream, WriteStream } from 'node:tty';
import type { Command } from 'commander';
import type { Config, Env } from '../src/config.ts';
import { createOutput, type Output } from './output.ts';

/** The process as the command line sees it. */
export type Surroundings = {
  /** The process's own variables, without `.env`. */
  env: Env;
  /** The working directory: where `.env` is, and where relative paths begin. */
  folder: string;
  stdin: ReadStream;
  stdout: WriteStream;
  stderr: WriteStream;
};

export interface Context extends Surroundings {
  readonly out: Output;
  /** The variables with the folder's `.env` beneath them, read afresh. @throws ConfigError */
  readEnv(): Promise<Env>;
  /** The settings, read afresh. @throws ConfigError with every fault. */
  config(): Promise<Config>;
}

/** Adds a command's arguments, options, examples and action: what each module in commands/ exports as `define`. */
export type Define = (command: Command, context: Context) => void;

export function createContext(surroundings: Surroundings): Context {
  const readEnv = async (): Promise<Env> => {
    const { readEnvironment } = await import('../src/environment.ts');
    return readEnvironment(surroundings.env, surroundings.folder);
  };
  return {
    ...surroundings,
    out: createOutput(surroundings.stdout, surroundings.stderr),
    readEnv,
    async config() {
      const { loadConfig } = await import('../src/config.ts');
      return loadConfig(await readEnv());
    },
  };
}
