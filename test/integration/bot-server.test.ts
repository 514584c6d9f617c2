/** The bot as people meet it: a real server on a file, the real client, and a person who knows nothing of either. */
import test, { type ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { type BotConfig, runBot } from '../../bot/main.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { createNotedLog, type NotedLog, until } from '../support/bot-parts.ts';
import { openQuoteServer, type QuoteServer, says, stooqAnswer } from '../support/quote-server.ts';
import type { RawClient } from '../support/raw-client.ts';

const password = 'correct horse 7';
// Above what a restart and the client's waits take on a loaded machine.
const patienceMs = 30_000;

/** A person in a room, over a connection of their own. */
async function enter(app: TestApp, username: string, room = 'investments', token?: string): Promise<RawClient> {
  const person = await app.chat(username, token === undefined ? {} : { token });
  await person.ask({ type: 'join', room_name: room }, { code: 'joined', you: true });
  return person;
}

/** Another server in the place of the one before, on its port and database. */
async function startAgain(t: ExecutionContext, { url, databaseUrl }: TestApp): Promise<TestApp> {
  return startApp(t, { databaseUrl, env: { PORT: new URL(url).port } });
}

async function logIn(app: TestApp): Promise<string> {
  const { body } = await app.request('POST', '/login', { body: { username: 'finbot', password } });
  return (body as { token: string }).token;
}

type Bot = { log: NotedLog; stop(): Promise<void> };

function startBot(t: ExecutionContext, app: TestApp, source: QuoteServer, options: Partial<BotConfig> = {}): Bot {
  const log = createNotedLog();
  const control = new AbortController();
  const done = runBot(
    {
      host: new URL(app.url).host,
      username: 'finbot',
      password,
      token: undefined,
      rooms: ['investments'],
      quotes: ['stooq'],
      stooqUrl: source.url,
      yahooUrl: source.url,
      fixtureFile: undefined,
      stateFile: undefined,
      ...options,
    },
    { signal: control.signal, log, WebSocket, fetch },
  );
  const stop = async (): Promise<void> => {
    control.abort();
    await done;
  };
  t.teardown(stop);
  return { log, stop };
}

const inRoom = (bot: Bot, rooms = 'the room investments'): Promise<void> =>
  until(() => bot.log.lines.includes(`info: In ${rooms}.`));

function answer(person: RawClient, room = 'investments'): Promise<string | undefined> {
  return person.next({ code: 'message', user: 'finbot', room_name: room }, patienceMs).then(({ body }) => body);
}

async function setUp(t: ExecutionContext): Promise<{ app: TestApp; source: QuoteServer }> {
  const source = await openQuoteServer();
  t.teardown(() => source.close());
  const app = await startApp(t);
  await app.request('POST', '/register', { body: { username: 'finbot', password } });
  return { app, source };
}

test('a person asks for a quote and the bot answers in the room', async (t) => {
  const { app, source } = await setUp(t);
  const bot = startBot(t, app, source);
  await inRoom(bot);
  const ann = await enter(app, 'ann');
  ann.send({ type: 'message', room_name: 'investments', command: 'foo', payload: 'bar' });
  ann.send({ type: 'message', room_name: 'investments', body: '/stock=aapl.us' });
  ann.send({ type: 'message', room_name: 'investments', command: 'stock', payload: 'aapl.us' });
  t.is(await answer(ann), 'AAPL.US quote is $189.98 per share');
  ann.send({ type: 'custom', room_name: 'investments', command: 'stock', payload: 'nope.us' });
  t.is(await answer(ann), 'NOPE.US is an unknown symbol: stooq does not know it.');
  source.answer(says(200, 'Exceeded the daily hits limit'));
  ann.send({ type: 'custom', room_name: 'investments', command: 'stock', payload: 'WIG' });
  t.is(await answer(ann), 'No quote for WIG can be had right now: stooq has reached its daily limit.');
  ann.send({ type: 'custom', room_name: 'investments', command: 'stock', payload: 'a&b' });
  t.regex((await answer(ann)) ?? '', /^That is no stock symbol/);
  t.deepEqual(
    source.requests.map((path) => new URL(path, source.url).searchParams.get('s')),
    ['aapl.us', 'nope.us', 'wig'],
  );
  await bot.stop();
  await ann.next({ code: 'parted', user: 'finbot' });
});

test('without FINBOT_ROOMS it answers in all rooms', async (t) => {
  const { app, source } = await setUp(t);
  const bot = startBot(t, app, source, { rooms: [] });
  await inRoom(bot, 'the rooms family, friends, investments');
  const ann = await enter(app, 'ann', 'friends');
  await ann.ask({ type: 'join', room_name: 'family' }, { code: 'joined', you: true });
  for (const room_name of ['friends', 'family']) {
    ann.send({ type: 'custom', room_name, command: 'stock', payload: 'aapl.us' });
    t.is(await answer(ann, room_name), 'AAPL.US quote is $189.98 per share');
  }
});

test('a command is answered once, though the server restarts before the quote is there', async (t) => {
  const { app, source } = await setUp(t);
  let release: () => void = () => {};
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  source.answer((request, response) => {
    void released.then(() => stooqAnswer()(request, response));
  });
  const bot = startBot(t, app, source);
  await inRoom(bot);
  const before = await enter(app, 'ann');
  before.send({ type: 'custom', room_name: 'investments', command: 'stock', payload: 'aapl.us' });
  await until(() => source.requests.length === 1);
  await app.app.close();
  release();
  const ann = await enter(await startAgain(t, app), 'ann');
  await until(() => bot.log.lines.filter((line) => line.startsWith('info: In the chat of')).length === 2);
  const bodies = async (): Promise<string[]> => {
    const { messages = [] } = await ann.ask({ type: 'history', room_name: 'investments' }, { code: 'history' });
    return messages.filter(({ user }) => user === 'finbot').map(({ body }) => body);
  };
  const deadline = Date.now() + patienceMs;
  while ((await bodies()).length === 0 && Date.now() < deadline) await ann.settle();
  source.answer(stooqAnswer({ WIG: '82745.58' }));
  ann.send({ type: 'custom', room_name: 'investments', command: 'stock', payload: 'wig' });
  await ann.next({ code: 'message', user: 'finbot', body: 'WIG quote is $82745.58 per share' }, patienceMs);
  t.deepEqual(await bodies(), ['WIG quote is $82745.58 per share', 'AAPL.US quote is $189.98 per share']);
});

test('a bot started while its account is in use says so, and gets in when it is free', async (t) => {
  const { app, source } = await setUp(t);
  const other = await enter(app, 'finbot', 'investments', await logIn(app));
  const bot = startBot(t, app, source);
  await until(() => bot.log.lines.some((line) => line.includes('chatting elsewhere')));
  await other.close();
  await inRoom(bot);
  t.pass();
});

test('a wrong password is said, and nothing of it is logged', async (t) => {
  const { app, source } = await setUp(t);
  const bot = startBot(t, app, source, { password: 'wrong-Password-1' });
  await until(() => bot.log.lines.length > 0);
  t.regex(bot.log.lines[0] ?? '', /refuses FINBOT_USERNAME and FINBOT_PASSWORD/);
  await bot.stop();
  t.false(bot.log.lines.some((line) => line.includes('wrong-Password-1')));
});

test('a bot whose log-in was ended logs in again', async (t) => {
  const { app, source } = await setUp(t);
  const token = await logIn(app);
  const bot = startBot(t, app, source, { token });
  await inRoom(bot);
  const ann = await enter(app, 'ann');
  t.is((await app.request('POST', '/logout', { token })).status, 204);
  await ann.next({ code: 'parted', user: 'finbot' });
  await ann.next({ code: 'joined', user: 'finbot' }, patienceMs);
  ann.send({ type: 'custom', room_name: 'investments', command: 'stock', payload: 'aapl.us' });
  t.is(await answer(ann), 'AAPL.US quote is $189.98 per share');
});
