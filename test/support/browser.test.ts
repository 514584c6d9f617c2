import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { type LaunchedBrowser, launchBrowser, whyNoBrowser } from './browser.ts';
import { killAtOnce, listProcesses, type Process } from './processes.ts';
import { patienceMs, programTest, until } from './services.ts';

/** A bound as short as this one is what the tests are about; the real one leaves a browser time to end. */
const closeMs = 300;

/** Every process that was started with the browser's profile. */
async function processesOf(profile: string): Promise<Process[]> {
  return (await listProcesses()).filter(({ args }) => args.includes(profile));
}

async function profileOf({ pid }: LaunchedBrowser): Promise<string> {
  const browser = (await listProcesses()).find((process) => process.pid === pid);
  const [, profile] = /--user-data-dir=(\S+)/.exec(browser?.args ?? '') ?? [];
  if (profile === undefined) throw new Error('The browser has no profile.');
  return profile;
}

for (const [who, isOne] of [
  ['a browser', ({ args }: Process) => !args.includes('crashpad_handler')],
  ['a crash handler of a browser', ({ args }: Process) => args.includes('crashpad_handler')],
] as const) {
  programTest(
    test,
    whyNoBrowser(),
    `${who} that stands still is closed all the same, with all that is about it`,
    async (t) => {
      const browser = await launchBrowser({ closeMs });
      await (await browser.newContext()).newPage();
      const profile = await profileOf(browser);
      const started = await processesOf(profile);
      t.teardown(() => started.forEach(({ pid }) => killAtOnce(pid)));
      t.true(started.length > 0);
      for (const process_ of started.filter(isOne)) process.kill(process_.pid, 'SIGSTOP');
      t.true(await Promise.race([browser.close().then(() => true), delay(patienceMs, false, { ref: false })]));
      await until(patienceMs, async () => {
        const left = await processesOf(profile);
        if (left.length > 0) throw new Error(`There still are ${JSON.stringify(left)}`);
      });
    },
  );
}

programTest(test, whyNoBrowser(), 'a browser leaves a process the signals that end it', async (t) => {
  const browser = await launchBrowser();
  t.teardown(() => browser.close());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) t.is(process.listenerCount(signal), 0, signal);
});
