/** CPU time and memory of another process, from Linux's /proc; undefined elsewhere. */
import { readFileSync } from 'node:fs';

// USER_HZ: 100 on every Linux that Node runs on (proc(5): times are in clock ticks, sysconf(_SC_CLK_TCK)).
const ticksPerSecond = 100;

/** Seconds of CPU, user and system, since the process began. */
export function cpuSeconds(pid: number): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the command's name in parentheses and may hold spaces: count from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
  } catch {
    return undefined;
  }
}

/** Bytes of resident memory. */
export function residentBytes(pid: number): number | undefined {
  try {
    const kb = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    return kb === undefined ? undefined : Number(kb) * 1024;
  } catch {
    return undefined;
  }
}
