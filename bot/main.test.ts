import test from 'ava';
import { WebSocket } from 'ws';
import { createNotedLog } from '../test/support/bot-parts.ts';
import { readHost } from './host.ts';
import { type BotConfig, runBot } from './main.ts';

const config: BotConfig = {
  host: '127.0.0.1:1',
  username: 'bot',
  password: 'secret-1',
  token: undefined,
  rooms: [],
  quotes: ['fixture'],
  stooqUrl: 'http://127.0.0.1:1',
  yahooUrl: 'http://127.0.0.1:1',
  fixtureFile: undefined,
  stateFile: undefined,
};

test('hosts become URLs', (t) => {
  t.is(readHost('localhost:8000'), 'http://localhost:8000');
  t.is(readHost(''), 'http://localhost:8000');
  t.is(readHost('foo.bar.baz:8888'), 'http://foo.bar.baz:8888');
  t.is(readHost('[::1]:8000'), 'http://[::1]:8000');
  t.is(readHost('https://chat.example/'), 'https://chat.example');
  t.is(readHost('https://example.org/chat/'), 'https://example.org/chat');
  for (const host of ['ws://localhost:8000', 'a b', 'http://user:pw@host', 'host:8000?x=1', 'host:99999']) {
    t.throws(() => readHost(host), { message: /^FINBOT_HOST must be host:port/ }, host);
  }
});

const faults: [title: string, fault: Partial<BotConfig>, message: RegExp][] = [
  ['an account', { username: undefined }, /set FINBOT_USERNAME and FINBOT_PASSWORD, or FINBOT_TOKEN/],
  ['a password', { password: '' }, /set FINBOT_USERNAME and FINBOT_PASSWORD, or FINBOT_TOKEN/],
  ['a host that can be one', { host: 'ftp://x' }, /FINBOT_HOST must be/],
  ['a quote provider', { quotes: [] }, /FINBOT_QUOTES names no quote provider. There are: stooq, yahoo, fixture/],
  ['known quote providers', { quotes: ['stooq', 'bloomberg'] }, /FINBOT_QUOTES names bloomberg/],
];

for (const [title, fault, message] of faults) {
  test(`without ${title} it does not start, and says so`, async (t) => {
    const deps = { signal: new AbortController().signal, log: createNotedLog(), WebSocket, fetch };
    await t.throwsAsync(runBot({ ...config, ...fault }, deps), { message });
  });
}

test('a server that is not there is said and waited for, and a stop ends the waiting', async (t) => {
  const control = new AbortController();
  const log = createNotedLog();
  const warn = log.warn.bind(log);
  log.warn = (sentence) => {
    warn(sentence);
    control.abort();
  };
  await runBot(config, { signal: control.signal, log, WebSocket, fetch });
  t.regex(
    log.lines[0] ?? '',
    /^warn: http:\/\/127\.0\.0\.1:1 cannot be reached for the log-in\. Trying again in \d s\.$/,
  );
  t.is(log.lines.at(-1), 'info: Stopped.');
});
