/** The guide to the SDK runs: each example as its own process, against a server of its own; its tables are the code's. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { createApp } from '../../src/app.ts';
import { blockedMs } from '../../src/client/connection-times.ts';
import { backoff, connectionTimes, requestLimits } from '../../src/client/index.ts';
import { loadConfig } from '../../src/config.ts';
import { readProjectFile, tableRows } from './markdown.ts';

const page = readProjectFile('docs/SDK.md');
const root = fileURLToPath(new URL('../../../', import.meta.url));
const examples = [...page.matchAll(/^```js\n(.*?)^```$/gms)].map(([, code = '']) => code);

const localUrl = 'http://localhost:8000';

/** A fresh server, closed when the test ends; resolves with its URL. */
async function openServer(t: ExecutionContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'finchat-docs-'));
  const app = createApp(
    loadConfig({
      DATABASE_URL: `sqlite://${join(folder, 'chat.sqlite')}`,
      PORT: '0',
      BCRYPT_ROUNDS: '4',
      LOG_LEVEL: 'silent',
    }),
  );
  t.teardown(async () => {
    await app.close();
    await rm(folder, { recursive: true });
  });
  return (await app.listen()).url;
}

/** Runs from the project's folder, where the package finds itself by its name. */
function runScript(script: string, flags: string[] = []): Promise<{ stdout: string; stderr: string }> {
  const options = { cwd: root, timeout: 30_000 };
  return promisify(execFile)(process.execPath, [...flags, '--input-type=module', '--eval', script], options);
}

for (const [index, code] of examples.entries()) {
  test(`example ${index + 1} runs to its end`, async (t) => {
    const url = await openServer(t);
    const script = code.replaceAll(localUrl, url);
    t.not(script, code, 'every example names the server');
    const { stdout, stderr } = await runScript(script);
    t.is(stderr, '');
    // What a comment behind a `console.log` promises is what is printed.
    for (const [, promised = ''] of code.matchAll(/console\.log\(.*\); \/\/ (.*)$/gm)) {
      if (!promised.includes(' and ')) t.true(stdout.includes(promised), `${promised} is not in: ${stdout}`);
    }
  });
}

test('the first example runs on the platform’s own WebSocket as in a browser', async (t) => {
  const url = await openServer(t);
  const [code = ''] = examples;
  const script = code
    .replace(/^import WebSocket.*$/m, '')
    .replace(', WebSocket }', ' }')
    .replaceAll(localUrl, url);
  t.false(/WebSocket/.test(script));
  // Behind a flag in Node 20, there without it later: the WebSocket of browsers, not that of the `ws` package.
  const { stdout } = await runScript(script, ['--experimental-websocket']);
  t.regex(stdout, /friends #1 amy: Hello!/);
});

test('the guide has its examples', (t) => {
  t.true(examples.length >= 5);
});

test('the table of events is the code’s', (t) => {
  const [, body = ''] =
    /export type ClientEvents = \{\n(.*?)\n\};/s.exec(readProjectFile('src/client/events.ts')) ?? [];
  const names = [...body.matchAll(/^ {2}'?([a-z-]+)'?: /gm)].map(([, name]) => name);
  t.true(names.length > 10);
  t.deepEqual(
    tableRows(page, 'event').map(([name]) => name),
    names,
  );
});

test('the bounds are the code’s', (t) => {
  const seconds = (ms: number): string => `${ms / 1_000} s`;
  t.deepEqual(
    tableRows(page, 'what').map(([, bound]) => bound),
    [
      String(requestLimits.pending),
      String(requestLimits.window),
      seconds(requestLimits.timeoutMs),
      seconds(requestLimits.sendTimeoutMs),
      seconds(backoff.baseMs),
      seconds(backoff.capMs),
      seconds(connectionTimes.openMs),
      seconds(connectionTimes.tryMs),
      seconds(connectionTimes.youngMs),
      seconds(connectionTimes.climbMs),
      seconds(connectionTimes.climbMaxMs),
      seconds(connectionTimes.silenceMs),
      seconds(connectionTimes.answerMs),
      seconds(connectionTimes.streamSilenceMs),
      seconds(blockedMs),
    ],
  );
});

test('the options are the code’s', (t) => {
  const [, body = ''] =
    /export type ClientOptions = \{\n(.*?)\n\};/s.exec(readProjectFile('src/client/client.ts')) ?? [];
  const names = [...body.matchAll(/^ {2}([A-Za-z]+)\??: /gm)].map(([, name]) => name);
  const documented = tableRows(page, 'option').flatMap(([name = '']) => name.replaceAll('`', '').split(', '));
  t.deepEqual(documented, names);
});
