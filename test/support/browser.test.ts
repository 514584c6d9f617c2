import { setTimeout as delay } from 'node:timers/promises';
import test from 'ava';
import { launchBrowser, whyNoBrowser } from './browser.ts';
import { killAtOnce, listProcesses } from './processes.ts';
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

programTest(test, whyNoBrowser(), 'a browser leaves a process the signals that end it', async (t) => {
  const browser = await launchBrowser();
  t.teardown(() => browser.close());
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) t.is(process.listenerCount(signal), 0, signal);
});
