import test, { type ExecutionContext } from 'ava';
import { listProcesses } from './processes.ts';
import { patienceMs, until } from './services.ts';
import { type Ending, runWatched } from './watchdog.ts';

/** A process that heeds no SIGTERM, and ends by itself only long after the test. */
const deafChild = `process.on('SIGTERM', () => {}); setTimeout(() => {}, ${10 * patienceMs}); console.log('deaf');`;

/** What AVA does: it starts a process, tells it to end, waits for it, and says in the end how it went. */
const parent = (after: string): string => `
  const { spawn } = require('node:child_process');
  const child = spawn(process.execPath, ['-e', process.argv[1]], { stdio: ['ignore', 'pipe', 'ignore'] });
  child.stdout.once('data', () => {
    console.log('started ' + child.pid);
    child.kill('SIGTERM');
  });
  child.once('exit', (code, signal) => { console.log('it ended by ' + signal); ${after} });`;

/** For two processes to start on a loaded machine: a shorter silence would be theirs. */
const startMs = 5000;

type Limits = { silenceMs?: number; wholeMs?: number };

async function watch(script: string, limits: Limits): Promise<Ending & { said: string }> {
  let said = '';
  const ending = await runWatched(process.execPath, ['-e', script, deafChild], {
    silenceMs: 10 * patienceMs,
    wholeMs: 10 * patienceMs,
    ...limits,
    write: (text) => (said += text),
  });
  return { ...ending, said };
}

async function hasEnded(t: ExecutionContext, said: string): Promise<void> {
  const pid = Number(/started (\d+)/.exec(said)?.[1]);
  t.true(pid > 0, said);
  await until(patienceMs, async () => {
    // One that nobody has waited for yet is dead all the same.
    const found = (await listProcesses()).find((process) => process.pid === pid && !process.args.includes('<defunct>'));
    if (found !== undefined) throw new Error(`It lives: ${JSON.stringify(found)}`);
  });
}

test('a program that says something and ends is left alone', async (t) => {
  const ending = await watch(`console.log('✔ one'); setTimeout(() => process.exit(3), 200);`, {});
  t.deepEqual(ending, { code: 3, isBroken: false, said: '✔ one\n' });
});

test('a process that heeds no SIGTERM is named and killed, and the program goes on to its own end', async (t) => {
  const { code, isBroken, said } = await watch(parent('process.exit(1)'), { silenceMs: startMs });
  t.is(code, 1);
  t.true(isBroken);
  t.regex(said, /Nothing was said for 5 s\..*\n {2}\d+, for [\d:-]+, of which it computed [\d:.-]+: .*SIGTERM/);
  t.regex(said, /it ended by SIGKILL\n$/);
  await hasEnded(t, said);
});

test('a program that stands still without a process of its own is killed itself', async (t) => {
  const { code, isBroken, said } = await watch('setInterval(() => {}, 1000)', { silenceMs: 1000 });
  t.is(code, null);
  t.true(isBroken);
  t.regex(said, /Nothing was said for 1 s\. It has no processes/);
});

test('a program that talks for ever is killed with all that it started', async (t) => {
  const talking = `${parent('')} setInterval(() => console.log('still here'), 50);`;
  const { code, isBroken, said } = await watch(talking, { wholeMs: startMs });
  t.is(code, null);
  t.true(isBroken);
  t.regex(said, /The whole has taken 5 s\./);
  await hasEnded(t, said);
});

test('a process that outlives the program and holds its output does not hold the run', async (t) => {
  const script = `
    const { spawn } = require('node:child_process');
    const child = spawn(process.execPath, ['-e', 'setTimeout(() => {}, ${2 * patienceMs})'], { stdio: 'inherit', detached: true });
    console.log('started ' + child.pid);
    process.exit(0);`;
  const begun = performance.now();
  const { code, isBroken, said } = await watch(script, {});
  t.true(performance.now() - begun < patienceMs);
  t.is(code, 0);
  t.false(isBroken);
  process.kill(Number(/started (\d+)/.exec(said)?.[1]), 'SIGKILL');
});
