import { spawn } from 'node:child_process';
import { once } from 'node:events';
import test from 'ava';
import { costOf } from './cost.ts';
import { treeCpuSeconds } from './process-stat.ts';

const own = { name: 'own', port: 0, pid: process.pid };

/** Seconds of CPU of this process, spent on nothing. */
function spin(seconds: number): void {
  const start = process.cpuUsage();
  for (let used = 0; used < seconds * 1e6; ) {
    const { user, system } = process.cpuUsage(start);
    used = user + system;
  }
}

test('what each thing cost is the CPU of each process, divided by how many there were', async (t) => {
  const { cpuUs } = await costOf({ nodes: [own], helpers: [] }, 10, async () => spin(0.3));
  const cost = cpuUs['own'] ?? 0;
  // Two ticks of a hundredth of a second may be missing; other work of this process may come on top.
  t.true(cost >= 28_000 && cost < 300_000, String(cost));
});

test('what passes by itself is not counted', async (t) => {
  const { cpuUs } = await costOf({ nodes: [own], helpers: [] }, 10, async () => spin(0.1), { own: 1000 });
  t.is(cpuUs['own'], 0);
});

test('the CPU of a process is that of its children, too', async (t) => {
  const before = treeCpuSeconds(process.pid) ?? 0;
  const child = spawn(process.execPath, ['-e', 'while (process.cpuUsage().user < 3e5);'], { stdio: 'ignore' });
  await once(child, 'exit');
  t.true((treeCpuSeconds(process.pid) ?? 0) - before >= 0.28);
});
