import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { launchBrowser, whyNoBrowser } from './browser.ts';
import { descendantsOf, killAtOnce, listProcesses } from './processes.ts';
import { patienceMs, programTest, until } from './services.ts';

/** A bound as short as this one is what the test is about; the real one leaves a browser time to end. */
const closeMs = 300;

programTest(test, whyNoBrowser(), 'a browser that stands still is closed all the same, with all of it', async (t) => {
  const browser = await launchBrowser({ closeMs });
  t.teardown(() => killAtOnce(browser.pid, { group: true }));
  await (await browser.newContext()).newPage();
  process.kill(browser.pid, 'SIGSTOP');
  t.true(await Promise.race([browser.close().then(() => true), delay(patienceMs, false, { ref: false })]));
  await until(patienceMs, async () => {
    const left = (await listProcesses()).filter(({ parent, pid }) => [pid, parent].includes(browser.pid));
    if (left.length > 0) throw new Error(`There still are ${JSON.stringify(left)}`);
  });
});

programTest(test, whyNoBrowser(), 'what a browser starts ends with it', async (t) => {
  const browser = await launchBrowser();
  t.teardown(() => browser.close());
  await (await browser.newContext()).newPage();
  const all = await listProcesses();
  const family = descendantsOf(browser.pid, all);
  const args = all.find(({ pid }) => pid === browser.pid)?.args ?? '';
  const profile = /--user-data-dir=(\S+)/.exec(args)?.[1] ?? '';
  t.not(profile, '');
  t.true(family.length > 0);
  const known = new Set([browser.pid, ...family.map(({ pid }) => pid)]);
  const strays = all.filter((process) => process.args.includes(profile) && !known.has(process.pid));
  t.deepEqual(strays, [], 'what leaves its group is not killed with it');
});

programTest(test, whyNoBrowser(), 'a browser leaves a process the signals that end it', async (t) => {
  const browser = await launchBrowser();
  t.teardown(() => browser.close());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) t.is(process.listenerCount(signal), 0, signal);
});
