/** The bot as a process that is killed, stopped and started again, while a person goes on asking. */
import { readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { WebSocket } from 'ws';
import { stateFileTimes } from '../../bot/state-file.ts';
import { type Client, createClient } from '../../src/client/index.ts';
import { createRandom, type Random } from '../fuzz/random.ts';
import { startApp, type TestApp, temporaryFolder } from '../support/app.ts';
import { until } from '../support/bot-parts.ts';
import { type BotProcess, openWay, startBotProcess, type Way } from '../support/bot-process.ts';
import { openQuoteServer, type QuoteServer, stooqCsv } from '../support/quote-server.ts';

const password = 'a long enough pass-phrase';

/** A price of its own for each question: an answer worked out twice would not be the same. */
const quote: RequestListener = (request, response) => {
  const symbol = new URL(request.url ?? '', 'http://stooq').searchParams.get('s') ?? '';
  setTimeout(() => response.end(stooqCsv(symbol, (1 + Math.random()).toFixed(4))), 20 + Math.random() * 60);
};

type Scene = {
  app: TestApp;
  ann: Client;
  source: QuoteServer;
  folder: string;
  stateFile: string;
  start: (env?: Readonly<Record<string, string>>) => BotProcess;
  /** The bodies of the bot's messages, from the room's log. */
  answers: () => Promise<string[]>;
  /** The log-in tokens of the bot's account. */
  tokens: () => Promise<number>;
};

async function setUp(t: ExecutionContext, { way = 'websocket', grace = '120' }: { way?: Way; grace?: string } = {}) {
  const source = await openQuoteServer(quote);
  t.teardown(() => source.close());
  const app = await startApp(t, { env: { RATE_LIMITS: 'off', SESSION_GRACE: grace } });
  await app.login('finbot');
  const folder = await temporaryFolder(t);
  const ann = createClient({ url: app.url, WebSocket, token: await app.login('ann') });
  t.teardown(() => ann.close());
  await ann.connect();
  await ann.join('investments');
  const settings = {
    FINBOT_HOST: await openWay(t, app.url, way),
    FINBOT_USERNAME: 'finbot',
    FINBOT_PASSWORD: password,
    FINBOT_ROOMS: 'investments',
    FINBOT_QUOTES: 'stooq',
    FINBOT_STOOQ_URL: source.url,
  };
  const storage = await app.elsewhere();
  const scene: Scene = {
    app,
    ann,
    source,
    folder,
    stateFile: join(folder, 'data', 'finbot.json'),
    start: (env = {}) => startBotProcess(t, folder, { ...settings, ...env }),
    async answers() {
      const bodies: string[] = [];
      for (let before: number | undefined; ; ) {
        const page = await ann.history('investments', { limit: 200, ...(before === undefined ? {} : { before }) });
        for (const { user, body } of page.messages) if (user === 'finbot') bodies.push(body);
        before = page.messages.at(-1)?.id;
        if (!page.more) return bodies;
      }
    },
    async tokens() {
      return (await storage.tokens.list()).filter(({ username }) => username === 'finbot').length;
    },
  };
  return scene;
}

const ask = (ann: Client, symbol: string): Promise<void> => ann.command('investments', 'stock', symbol);
const says = async (bot: BotProcess, sentence: string): Promise<void> => {
  // Either its words or the reason why they did not come.
  await until(() => bot.hasEnded || bot.output().includes(sentence)).catch(() => {});
  if (!bot.output().includes(sentence)) throw new Error(`The bot did not say: ${sentence}\n${bot.output()}`);
};
const inRoom = 'In the room investments.';
const goesOn = 'The session goes on where it was';
const isOver = 'The session before is over';
const symbolOf = (answer: string): string => answer.split(' ')[0] ?? '';
const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

/** The way, and the seed of the kills: fixed, so that the schedule is the same each time. */
const runs: [way: Way, seed: number][] = [
  ['websocket', 1],
  ['sse', 3],
  ['poll', 4],
];

/** Ends per run: some at work and some at the start, by either signal. A search for what six don't show may want hundreds. */
const killCount = Number(process.env['FINCHAT_BOT_KILLS'] ?? 6);

for (const [way, seed] of runs) {
  test.serial(
    `over ${way}, each of many commands is answered once by a bot that is killed again and again (seed ${seed})`,
    async (t) => {
      const { ann, start, answers, tokens, stateFile } = await setUp(t, { way });
      const answered = listen(ann);
      let bot = start();
      await says(bot, inRoom);
      const asked: string[] = [];
      let kills = 0;
      const isOut = askInBursts(ann, createRandom(seed).fork('asking'), asked, () => kills >= killCount);
      const random = createRandom(seed).fork('kills');
      const outputs: string[] = [];
      const isAsking = { value: true };
      void isOut.finally(() => (isAsking.value = false));
      while (isAsking.value) {
        // Most when they are at work, some while they start.
        const isEarly = random.chance(0.2);
        if (!isEarly) await says(bot, inRoom);
        await pause(random.int(0, isEarly ? 1000 : 250));
        const code = await bot.end(random.chance(0.7) ? 'SIGKILL' : 'SIGTERM');
        t.true(code === null || code === 0, bot.output());
        outputs.push(bot.output());
        kills += 1;
        bot = start();
      }
      await isOut;
      t.log(`${asked.length} commands, ${outputs.length} bots`);
      await until(() => answered.length >= asked.length || bot.hasEnded);
      // What was answered twice would have been by the time that this is.
      await says(bot, inRoom);
      asked.push('LAST');
      await ask(ann, 'LAST');
      await until(() => answered.includes('LAST'));
      t.deepEqual((await answers()).map(symbolOf).toSorted(), asked.toSorted());
      t.deepEqual(answered.toSorted(), asked.toSorted());
      const said = [...outputs, bot.output()].join('');
      t.true(said.includes(goesOn));
      t.false(said.includes(isOver), said);
      // That of the set-up, and one log-in of all bots together, which is in no log.
      t.is(await tokens(), 2);
      t.is(statSync(stateFile).mode & 0o777, 0o600);
      const { contents } = JSON.parse(readFileSync(stateFile, 'utf8')) as { contents: { token: string } };
      t.false(said.includes(contents.token));
    },
  );
}

/** At least 30 commands, and on until it is enough: some alone, some in bursts, and the same one twice in a burst, which is two questions. */
async function askInBursts(ann: Client, random: Random, asked: string[], isEnough: () => boolean): Promise<void> {
  for (let n = 0; n < 30 || !isEnough(); ) {
    const size = random.int(1, 6);
    const burst = Array.from({ length: size }, (_, i) => `S${n + i}`);
    n += size;
    if (random.chance(0.5)) burst.push(`S${n - 1}`);
    asked.push(...burst);
    await Promise.all(burst.map((symbol) => ask(ann, symbol)));
    await pause(random.int(0, 500));
  }
}

test.serial('what was asked while the bot was away within the grace is all answered, however much it is', async (t) => {
  const { ann, start, answers } = await setUp(t);
  const first = start();
  await says(first, inRoom);
  await first.end('SIGKILL');
  const symbols = Array.from({ length: 300 }, (_, n) => `S${n}`);
  for (const symbol of symbols) await ask(ann, symbol);
  const answered = listen(ann);
  await says(start(), goesOn);
  await until(() => answered.length >= symbols.length);
  t.deepEqual((await answers()).map(symbolOf).toSorted(), symbols.toSorted());
});

test.serial(
  'after the grace, what was asked in the gap is lost, what was received before is answered, and nothing twice',
  async (t) => {
    const { ann, start, answers, stateFile, source } = await setUp(t, { grace: '1' });
    const answered = listen(ann);
    const parted = listenForLeaving(ann);
    const first = start();
    await says(first, inRoom);
    await ask(ann, 'BEFORE');
    await until(() => answered.includes('BEFORE'));
    source.answer(() => {});
    await ask(ann, 'RECEIVED');
    await until(() => readFileSync(stateFile, 'utf8').includes('RECEIVED'));
    await first.end('SIGKILL');
    await until(() => parted.length === 1);
    await ask(ann, 'GAP');
    source.answer(quote);
    const second = start();
    await says(second, isOver);
    await says(second, inRoom);
    await ask(ann, 'AFTER');
    await until(() => answered.includes('AFTER') && answered.includes('RECEIVED'));
    t.deepEqual((await answers()).map(symbolOf).toSorted(), ['AFTER', 'BEFORE', 'RECEIVED']);
  },
);

test.serial('a bot that is stopped within a command lets the next one answer it, in the same session', async (t) => {
  const { ann, start, answers, source, tokens } = await setUp(t);
  const answered = listen(ann);
  const parted = listenForLeaving(ann);
  const first = start();
  await says(first, inRoom);
  source.answer(() => {});
  await ask(ann, 'WIG');
  await until(() => source.requests.length === 1);
  t.is(await first.end('SIGTERM'), 0);
  t.true(first.output().includes('Not leaving the chat'));
  source.answer(quote);
  await says(start(), goesOn);
  await until(() => answered.length > 0);
  t.deepEqual((await answers()).map(symbolOf), ['WIG']);
  t.deepEqual(parted, []);
  t.is(await tokens(), 2);
});

test.serial(
  'a second bot with the file of a running one takes nothing from it, and goes on from there when it stops',
  async (t) => {
    const { ann, start } = await setUp(t);
    const answered = listen(ann);
    const parted = listenForLeaving(ann);
    const first = start();
    await says(first, inRoom);
    const second = start();
    await says(second, 'is in use by another running bot');
    await says(second, 'chatting elsewhere');
    await ask(ann, 'WIG');
    await until(() => answered.length === 1);
    t.false(first.hasEnded);
    await first.end('SIGTERM');
    await says(second, goesOn);
    await ask(ann, 'AAPL.US');
    await until(() => answered.length === 2);
    t.deepEqual(parted, []);
    t.false(first.output().includes('Another process'));
  },
);

test.serial('a bot whose session was taken with a copy of its file does not take it back', async (t) => {
  const { ann, start, folder, stateFile } = await setUp(t);
  const answered = listen(ann);
  const first = start();
  await says(first, inRoom);
  await ask(ann, 'WIG');
  await until(() => answered.length === 1);
  await until(() => readFileSync(stateFile, 'utf8').includes('"cursor"'));
  const copy = join(folder, 'copy.json');
  // As if it had been made a while ago, so that its owner counts as dead.
  writeFileSync(copy, readFileSync(stateFile));
  const longAgo = (Date.now() - 2 * stateFileTimes.staleMs) / 1000;
  utimesSync(copy, longAgo, longAgo);
  const second = start({ FINBOT_STATE_FILE: 'copy.json' });
  await says(second, goesOn);
  await says(first, 'Another process goes on with the bot’s session');
  await says(first, 'chatting elsewhere');
  await ask(ann, 'AAPL.US');
  await until(() => answered.length === 2);
  t.false(first.output().includes(goesOn));
  t.false(second.output().includes('Another process'));
});

test.serial(
  'without a state file, or where it cannot be written, the bot works, leaves the chat at its stop and ends its token',
  async (t) => {
    const { ann, start, tokens } = await setUp(t);
    const answered = listen(ann);
    const parted = listenForLeaving(ann);
    for (const [n, file] of ['none', '/proc/nowhere/finbot.json'].entries()) {
      const bot = start({ FINBOT_STATE_FILE: file });
      await says(bot, inRoom);
      await ask(ann, 'WIG');
      await until(() => answered.length === n + 1);
      t.is(await bot.end('SIGTERM'), 0);
      await until(() => parted.length === n + 1);
      t.is(bot.output().includes('The state file cannot be written'), n === 1);
      t.is(await tokens(), 1);
    }
  },
);

/** The symbols that are answered from now on. */
function listen(ann: Client): string[] {
  const answered: string[] = [];
  ann.on('message', ({ user, body }) => {
    if (user === 'finbot') answered.push(symbolOf(body));
  });
  return answered;
}

function listenForLeaving(ann: Client): string[] {
  const parted: string[] = [];
  ann.on('parted', ({ user }) => parted.push(user));
  return parted;
}
