/** Child processes of the bench: pinned to a core each where that can be done, and ended with it. */
import { type ChildProcess, type SpawnOptions, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cpus } from 'node:os';
import { basename, dirname } from 'node:path';

const canPin = cpus().length > 1 && spawnSync('taskset', ['--version'], { stdio: 'ignore' }).status === 0;

/** The server has the first core, the load generator the second: neither takes time from the other. */
export const serverCore = 0;
export const generatorCore = 1;

/** Further nodes have cores of their own where there are enough; else they share those that there are. */
export function coreOfNode(index: number): number {
  const cores = cpus().length;
  if (index === 0) return serverCore;
  return index + 1 < cores ? index + 1 : index % cores;
}

export const isPinned: boolean = canPin;

const children = new Set<ChildProcess>();

/** What PostgreSQL works on beside one server: a core of its own where there is one, else the server's. */
export const databaseCore: number = cpus().length > 2 ? 2 : serverCore;

/** Moves a process, and what it starts from now on, to a core. */
export function pin(pid: number, core: number): void {
  if (canPin) spawnSync('taskset', ['-p', '-c', String(core), String(pid)], { stdio: 'ignore' });
}

export function startNode(core: number, args: readonly string[], options: SpawnOptions): ChildProcess {
  return startProgram(core, process.execPath, args, options);
}

/** `taskset` becomes the program, so the child's pid is the program's. */
export function startProgram(core: number, file: string, args: readonly string[], options: SpawnOptions): ChildProcess {
  if (wasStopped) throw new Error('The bench was stopped.');
  const child = canPin ? spawn('taskset', ['-c', String(core), file, ...args], options) : spawn(file, args, options);
  children.add(child);
  child.once('exit', () => children.delete(child));
  return child;
}

/** Options of Node for a CPU profile in a file; a cluster's further nodes write to files of their own. */
export function profileFlags(file: string, node: number): string[] {
  const name = node === 0 ? basename(file) : `${node + 1}-${basename(file)}`;
  return ['--cpu-prof', `--cpu-prof-dir=${dirname(file)}`, `--cpu-prof-name=${name}`];
}

let wasStopped = false;
export const isStopped = (): boolean => wasStopped;

/** Ends all children at once; whoever waits for one, or starts one, fails then. */
export function stopAll(): void {
  wasStopped = true;
  for (const child of children) child.kill('SIGKILL');
}

/** Ends a child: politely unless `signal` says otherwise, then after ten seconds without asking. */
export async function stop(child: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await exited;
  clearTimeout(timer);
}
