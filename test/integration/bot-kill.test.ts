/** The bot and a server that is killed outright: a process of its own, and many commands under way. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { runBot } from '../../bot/main.ts';
import { createClient } from '../../src/client/index.ts';
import { temporaryFolder } from '../support/app.ts';
import { checkFrames } from '../support/asyncapi.ts';
import { createNotedLog, until } from '../support/bot-parts.ts';
import { openQuoteServer, stooqCsv } from '../support/quote-server.ts';

const program = fileURLToPath(new URL('../../cli/main.js', import.meta.url));
const password = 'correct horse 7';

type ServerProcess = { url: string; kill(): Promise<void> };

/** `finchat serve` on a folder's database; resolves when it has said where it listens. */
async function serve(t: ExecutionContext, folder: string, port: string): Promise<ServerProcess> {
  const child: ChildProcess = spawn(process.execPath, [program, 'serve'], {
    cwd: folder,
    env: { PORT: port, BCRYPT_ROUNDS: '4', RATE_LIMITS: 'off', LOG_FORMAT: 'json' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  t.teardown(kill);
  let said = '';
  const hear = (data: Buffer): void => {
    said += data.toString();
  };
  child.stdout?.on('data', hear);
  child.stderr?.on('data', hear);
  const url = (): string | undefined => /"url":"(http[^"]+)"/.exec(said)?.[1];
  await until(() => {
    if (child.exitCode !== null) throw new Error(`The server ended:\n${said}`);
    return url() !== undefined;
  });
  return { url: url() ?? '', kill };
}

test('each command is answered once, though the server is killed while the answers are under way', async (t) => {
  const source = await openQuoteServer((request, response) => {
    const symbol = new URL(request.url ?? '', 'http://stooq').searchParams.get('s') ?? '';
    // A price of its own for each question: an answer worked out twice would not be the same.
    setTimeout(() => response.end(stooqCsv(symbol, Math.random().toFixed(4))), 100);
  });
  t.teardown(() => source.close());
  const folder = await temporaryFolder(t);
  const first = await serve(t, folder, '0');
  const { url } = first;

  const ann = createClient({ url, WebSocket });
  checkFrames(t, ann);
  t.teardown(() => ann.close());
  await ann.register({ username: 'finbot', password });
  await ann.register({ username: 'ann', password });
  await ann.login({ username: 'ann', password });
  await ann.connect();

  const control = new AbortController();
  const log = createNotedLog();
  const settings = { host: url, username: 'finbot', password, token: undefined, rooms: ['investments'] };
  const quotes = {
    quotes: ['stooq'],
    stooqUrl: source.url,
    yahooUrl: source.url,
    fixtureFile: undefined,
    stateFile: undefined,
  };
  const done = runBot({ ...settings, ...quotes }, { signal: control.signal, log, WebSocket, fetch });
  t.teardown(async () => {
    control.abort();
    await done;
  });
  await until(() => log.lines.includes('info: In the room investments.'));

  const answered: string[] = [];
  ann.on('message', ({ user, body }) => {
    if (user === 'finbot') answered.push(body.split(' ')[0] ?? '');
  });
  await ann.join('investments');
  const symbols = Array.from({ length: 60 }, (_, i) => `S${i}`);
  // A command resolves once it was relayed: from here on the bot has them all.
  await Promise.all(symbols.map((symbol) => ann.command('investments', 'stock', symbol)));
  await until(() => answered.length > 0);
  await first.kill();
  t.true(answered.length < symbols.length);
  await serve(t, folder, new URL(url).port);
  await until(() => answered.length >= symbols.length);

  const { messages } = await ann.history('investments', { limit: 200 });
  const stored = messages.map(({ body }) => body.split(' ')[0] ?? '');
  t.deepEqual(stored.toSorted(), symbols.toSorted());
  t.deepEqual(answered.toSorted(), symbols.toSorted());
});
