/** A private Redis server on a free port of 127.0.0.1 that writes nothing to disk. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import type { Service } from './services.ts';
import { endsWithin, findFreePort, findProgram, makeFolder, notePid, until } from './services.ts';

const program = 'redis-server';
const startDeadlineMs = 10_000;

/** Why no server can be started here; undefined: one can. */
export function whyNoRedis(): string | undefined {
  return findProgram(program) === undefined ? 'redis-server is not installed' : undefined;
}

export type RedisService = Service & {
  readonly port: number;
  readonly pid: number;
  /** Stands still, as under a debugger: it takes connections and bytes, and does nothing. */
  pause(): void;
  resume(): void;
};

/** `port`: the one an earlier server had, to bring it back after a `stop`. */
export async function startRedis(port?: number): Promise<RedisService> {
  const file = findProgram(program);
  if (file === undefined) throw new Error(whyNoRedis());
  const folder = await makeFolder('redis');
  const chosen = port ?? (await findFreePort());
  const child = spawn(
    file,
    ['--port', String(chosen), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no', '--dir', folder],
    { stdio: 'ignore' },
  );
  await notePid(folder, child.pid);
  const stop = async (): Promise<void> => {
    if (child.exitCode === null && child.signalCode === null) {
      const ended = once(child, 'exit');
      child.kill('SIGTERM');
      child.kill('SIGCONT');
      if (!(await endsWithin(child, 3000))) child.kill('SIGKILL');
      await ended;
    }
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await until(startDeadlineMs, () => probe(chosen));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    url: `redis://127.0.0.1:${chosen}`,
    port: chosen,
    pid: child.pid ?? 0,
    stop,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
  };
}

async function probe(port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    socket.write('PING\r\n');
    const [answer] = (await once(socket, 'data')) as [Buffer];
    if (!answer.toString().startsWith('+PONG')) throw new Error(`Redis answered ${answer.toString()}`);
  } finally {
    socket.destroy();
  }
}
