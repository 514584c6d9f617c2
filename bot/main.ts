/** The bot as `finchat bot` runs it: puts account, rooms, router and quotes together, and stops them in order. */
import { createClient, type WebSocketConstructor } from '../src/client/index.ts';
import type { BotLog, Handler } from './command.ts';
import { createStockHandler } from './commands/stock.ts';
import { readHost } from './host.ts';
import { type Account, stayInChat } from './presence.ts';
import { openQuoteChain } from './quotes/chain.ts';
import { createProviders } from './quotes/providers.ts';
import { createRouter } from './router.ts';
import { createSay } from './say.ts';
import { wait } from './wait.ts';

/** The FINBOT_* settings. */
export type BotConfig = {
  /** `host:port` or a URL. */
  host: string;
  username: string | undefined;
  password: string | undefined;
  token: string | undefined;
  /** None: all rooms. */
  rooms: readonly string[];
  /** Quote providers by name, in the order in which they are asked. */
  quotes: readonly string[];
  stooqUrl: string;
  yahooUrl: string;
  fixtureFile: string | undefined;
};

export type BotDeps = {
  /** Aborts when the bot shall stop. */
  signal: AbortSignal;
  log: BotLog;
  /** Node 20 has none of its own: that of the `ws` package. */
  WebSocket: WebSocketConstructor;
  fetch: typeof fetch;
};

/**
 * Runs the bot until `signal` aborts; then leaves the chat and resolves. Troubles on the way (no server, refused
 * credentials, no rooms) are logged and tried again for ever.
 * @throws Error, before anything is opened, when a setting is missing or makes no sense.
 */
export async function runBot(config: BotConfig, { signal, log, WebSocket, fetch }: BotDeps): Promise<void> {
  const url = readHost(config.host);
  const account = readAccount(config);
  const chain = openQuoteChain({ providers: createProviders(config.quotes, { ...config, fetch }) });
  const now = (): number => performance.now();
  const client = createClient({
    url,
    WebSocket,
    fetch,
    ...(account.token === undefined ? {} : { token: account.token }),
    onListenerError: (error) => log.error(`A mistake in the bot: ${String(error)}`),
  });
  const handlers = new Map<string, Handler>([['stock', createStockHandler(chain)]]);
  const router = createRouter({ handlers, say: createSay({ client, wait, now }), log, signal });
  client.on('custom', ({ you, ...command }) => {
    if (!you) router.receive(command);
  });
  const closeChain = (): void => chain.close();
  signal.addEventListener('abort', closeChain, { once: true });
  try {
    await stayInChat({ client, url, account, rooms: config.rooms, log, wait, now, random: Math.random, signal });
    await router.settled();
  } finally {
    signal.removeEventListener('abort', closeChain);
    closeChain();
  }
  log.info('Stopped.');
}

function readAccount({ username, password, token }: BotConfig): Account {
  const hasBoth = username !== undefined && username !== '' && password !== undefined && password !== '';
  const hasToken = token !== undefined && token !== '';
  if (!hasBoth && !hasToken) {
    throw new Error('The bot needs an account: set FINBOT_USERNAME and FINBOT_PASSWORD, or FINBOT_TOKEN.');
  }
  return { ...(hasBoth ? { credentials: { username, password } } : {}), ...(hasToken ? { token } : {}) };
}
