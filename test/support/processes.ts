/** The processes of this machine, as `ps` tells of them, and the end of those that do not end by themselves. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export type Process = {
  readonly pid: number;
  readonly parent: number;
  /** Since when it runs: `[[days-]hours:]minutes:seconds`. */
  readonly age: string;
  /** What it has computed in that time, in the same form: about nothing where it waits. */
  readonly computed: string;
  /** How it was called, or the title that it gave itself. */
  readonly args: string;
};

/** Of a list of processes; far above what a loaded machine takes for it. */
const listMs = 10_000;

export async function listProcesses(): Promise<Process[]> {
  const { stdout } = await promisify(execFile)('ps', ['-A', '-o', 'pid=,ppid=,etime=,time=,args='], {
    timeout: listMs,
    maxBuffer: 64 * 1024 * 1024,
  });
  return stdout.split('\n').flatMap((line) => {
    const [, pid, parent, age = '', computed = '', args = ''] =
      /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(\S+)\s(.*)$/.exec(line) ?? [];
    return pid === undefined ? [] : [{ pid: Number(pid), parent: Number(parent), age, computed, args }];
  });
}

/** Of all processes those that `pid` started, and those that they started, the nearest first. */
export function descendantsOf(pid: number, all: readonly Process[]): Process[] {
  const found: Process[] = [];
  let parents = [pid];
  while (parents.length > 0) {
    const children = all.filter(({ parent }) => parents.includes(parent));
    found.push(...children);
    parents = children.map((child) => child.pid);
  }
  return found;
}

/** Nothing withstands it, nor does a process that stands still. */
export function killAtOnce(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // It has ended.
  }
}
