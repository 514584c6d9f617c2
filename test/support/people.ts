/**
 * People at browsers: each has a context of its own (as private windows have), acts by roles and labels, and has
 * everything noted that must not happen on any page: errors in the console, exceptions, what the
 * Content-Security-Policy refused, requests to other origins, dialogs that nobody asked for. A test in which one of
 * them was noted fails.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ExecutionContext, TestFn } from 'ava';
import type { RunOptions } from 'axe-core';
import type { BrowserContext, BrowserContextOptions, Page } from 'playwright-core';
import { comesToRest, findViolations, hasAxe, watchPolicy } from '../web/page/watch.ts';
import { createContextTest, type NewContext } from './browser.ts';
import { until } from './services.ts';

/** Long enough for a loaded machine; a test that passes never waits for it. */
export const patienceMs = 30_000;
/** A test of several people and restarts, on a loaded machine. */
const testMs = 180_000;

export type Person = {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What must not happen and did. */
  readonly faults: readonly string[];
  /** Faults that match belong to this test: a refused log-in, a server that was killed. */
  expects(...patterns: readonly RegExp[]): void;
};

export type OpenPerson = (url: string, options?: BrowserContextOptions) => Promise<Person>;

/** A refused log-in or registration, as the browser's console tells it. */
export const refusedForm: RegExp = /\/(login|register).*status of 400|status of 400.*\/(login|register)/;
/** A server or a line that is away, as the browser's console tells it. */
export const brokenLine: RegExp =
  /^console: (Failed to load resource: (net::|the server responded with a status of 50[234])|WebSocket connection to)/;

/** Where a failed test leaves pictures, if anywhere. */
const failures = process.env['FINCHAT_TEST_PICTURES'];

/** For one file of tests: what registers a test with people in it. */
export function createPeopleTest(
  test: TestFn,
): (title: string, body: (t: ExecutionContext, open: OpenPerson) => Promise<void>, missing?: string) => void {
  const contextTest = createContextTest(test);
  return (title, body, missing) =>
    contextTest(
      title,
      async (t, newContext) => {
        t.timeout(testMs);
        const people: Person[] = [];
        const open: OpenPerson = async (url, options) => {
          const person = await openPerson(newContext, url, options);
          people.push(person);
          return person;
        };
        try {
          await body(t, open);
        } catch (error) {
          await tellOf(t, people);
          throw error;
        }
        for (const person of people) t.deepEqual(person.faults, [], 'nothing went wrong on the page');
        if (!t.passed) await tellOf(t, people);
      },
      missing,
    );
}

/** A person who opens the address. `options`: a phone's size, a dark system, … */
export async function openPerson(
  newContext: NewContext,
  url: string,
  options: BrowserContextOptions = {},
): Promise<Person> {
  const context = await newContext({
    viewport: { width: 1280, height: 800 },
    locale: 'en-GB',
    timezoneId: 'Europe/Berlin',
    ...options,
  });
  context.setDefaultTimeout(patienceMs);
  const { origin } = new URL(url);
  const noted: string[] = [];
  const expected: RegExp[] = [];
  const note = (fault: string): void => void noted.push(fault);
  context.on('request', (request) => {
    if (!isOf(origin, request.url())) note(`request: ${request.url()}`);
  });
  await context.exposeBinding('noteViolation', (_source, what: string) => note(`policy: ${what}`));
  await context.addInitScript(watchPolicy);
  const watch = (page: Page): void => {
    page.on('pageerror', (error) => note(`exception: ${error.stack ?? error.message}`));
    page.on('console', (message) => {
      if (message.type() === 'error') note(`console: ${message.text()} ${message.location().url}`.trim());
    });
    page.on('websocket', (socket) => {
      if (!isOf(origin, socket.url().replace(/^ws/, 'http'))) note(`request: ${socket.url()}`);
    });
    page.on('dialog', (dialog) => {
      note(`dialog: ${dialog.message()}`);
      void dialog.dismiss();
    });
  };
  context.on('page', watch);
  const page = await context.newPage();
  await page.goto(url);
  return {
    page,
    context,
    get faults() {
      return noted.filter((fault) => !expected.some((pattern) => pattern.test(fault)));
    },
    expects: (...patterns) => void expected.push(...patterns),
  };
}

function isOf(origin: string, url: string): boolean {
  return /^(data|blob):/.test(url) || new URL(url).origin === origin;
}

/** What a person who hears the page would be told, for a failed test. */
async function tellOf(t: ExecutionContext, people: readonly Person[]): Promise<void> {
  for (const [index, { page, faults }] of people.entries()) {
    const heard = await page
      .locator('body')
      .ariaSnapshot({ timeout: 2000 })
      .catch((error: unknown) => String(error));
    t.log(
      `person ${index + 1} at ${page.url()}\n${heard.replaceAll(/(.)\1{50,}/g, '$1…').slice(0, 6000)}\n${faults.join('\n')}`,
    );
    if (failures === undefined) continue;
    await mkdir(failures, { recursive: true });
    const name = `${t.title.replaceAll(/[^\w]+/g, '-').slice(0, 80)}-${index + 1}.png`;
    const picture = await page.screenshot({ timeout: 5000 }).catch(() => undefined);
    if (picture !== undefined) await writeFile(join(failures, name), picture);
  }
}

/** Waits until it holds; `what` is said when it never does. */
export function holds(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  return until(patienceMs, async () => {
    if (!(await isSo())) throw new Error(`It does not hold: ${what}`);
  });
}

/** Waits until it is equal; the last value is shown when it never is. */
export async function becomes<T>(t: ExecutionContext, read: () => Promise<T>, wanted: T, what?: string): Promise<void> {
  let last = await read();
  const isEqual = (): boolean => JSON.stringify(last) === JSON.stringify(wanted);
  await until(patienceMs, async () => {
    last = await read();
    if (!isEqual()) throw new Error('not yet');
  }).catch(() => {});
  t.deepEqual(last, wanted, what);
}

const axeSource: Promise<string> = readFile(fileURLToPath(import.meta.resolve('axe-core/axe.min.js')), 'utf8');

/** What axe-core has to say against the page as it is now: one line for each element. */
export async function violations(page: Page): Promise<string[]> {
  // Not added as a script: the page's policy would refuse it.
  if (!(await page.evaluate(hasAxe))) await page.evaluate(await axeSource);
  await page.evaluate(comesToRest);
  return page.evaluate(findViolations, axeOptions);
}

const axeOptions: RunOptions = {
  resultTypes: ['violations'],
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
};
