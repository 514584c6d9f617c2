/** CPU time and memory of another process, from Linux's /proc; undefined elsewhere. */
import { readdirSync, readFileSync } from 'node:fs';

// USER_HZ: 100 on every Linux that Node runs on (proc(5): times are in clock ticks, sysconf(_SC_CLK_TCK)).
const ticksPerSecond = 100;

/** Seconds of CPU, user and system, since the process began. */
export function cpuSeconds(pid: number): number | undefined {
  const fields = readStat(pid);
  return fields && (Number(fields[11]) + Number(fields[12])) / ticksPerSecond;
}

/** The same of a process and its children, those that have ended included: PostgreSQL has one for each connection. */
export function treeCpuSeconds(pid: number): number | undefined {
  const own = readStat(pid);
  if (own === undefined) return undefined;
  let ticks = 0;
  for (const field of own.slice(11, 15)) ticks += Number(field);
  for (const entry of readdirSync('/proc')) {
    const fields = /^\d+$/.test(entry) ? readStat(Number(entry)) : undefined;
    if (fields !== undefined && Number(fields[1]) === pid) ticks += Number(fields[11]) + Number(fields[12]);
  }
  return ticks / ticksPerSecond;
}

/** The fields from the third on: state, parent, … */
function readStat(pid: number): string[] | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1');
    // The second field is the command's name in parentheses and may hold spaces: count from behind it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ');
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
