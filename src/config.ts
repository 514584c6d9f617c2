/**
 * Settings: environment and `.env` → one frozen Config. One table holds every setting's variable, form, default and
 * help; `.env.sample`, `finchat config` and the README's table are made from it or tested against it.
 * All faults are reported at once. Nobody else reads process.env.
 */
import { type Env, withDerived } from './derived-settings.ts';
import { limits } from './protocol/limits.ts';
import { defaultMotd } from './protocol/motd.ts';
import {
  databaseUrl,
  hopsOrNetworks,
  hostAddress,
  httpUrl,
  integer,
  list,
  oneOf,
  onOff,
  originsOrAll,
  type Parse,
  redisUrl,
  text,
} from './settings-forms.ts';

export type Config = {
  host: string;
  port: number;
  databaseUrl: string;
  databasePool: number;
  sqliteSynchronous: 'NORMAL' | 'FULL';
  redisUrl: string | undefined;
  /** Seconds. */
  nodeLease: number;
  registration: 'open' | 'closed';
  rateLimits: boolean;
  messageMaxLength: number;
  motd: string;
  tokenTtlDays: number;
  bcryptRounds: number;
  maxConnections: number;
  /** Seconds. */
  sessionGrace: number;
  /** Bytes. */
  sessionOutbox: number;
  /** Seconds. */
  pollGap: number;
  /** Hops, or addresses and networks. */
  trustProxy: number | readonly string[] | undefined;
  /** Origins, or all. */
  corsOrigins: '*' | readonly string[] | undefined;
  metricsHost: string;
  metricsPort: number | undefined;
  logLevel: string;
  logFormat: 'json' | 'pretty' | 'auto';
  shutdownSeconds: number;
  superuserPassword: string | undefined;
  finbotHost: string;
  finbotUsername: string | undefined;
  finbotPassword: string | undefined;
  finbotToken: string | undefined;
  finbotRooms: string[];
  finbotQuotes: string[];
  finbotStooqUrl: string;
  finbotYahooUrl: string;
  finbotFixtureFile: string | undefined;
  finbotStateFile: string | undefined;
};

export type Setting<T = unknown> = {
  /** The environment variable. */
  key: string;
  /** Throws an Error whose message completes "KEY …". */
  parse: Parse<T>;
  default: T;
  /** One line for `.env.sample` and the documents. */
  help: string;
  group: 'server' | 'storage' | 'accounts and limits' | 'operation' | 'bot' | 'command line';
  /** `yes`: never shown; `url`: shown without its password. */
  secret?: 'yes' | 'url';
};

/** Every fault of the settings, one sentence each. */
export class ConfigError extends Error {
  readonly faults: readonly string[];
  constructor(faults: readonly string[], options?: { cause: unknown }) {
    super(
      `The settings have ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${faults.map((fault) => `  ${fault}`).join('\n')}`,
      options,
    );
    this.name = 'ConfigError';
    this.faults = faults;
  }
}

export const settings: { readonly [K in keyof Config]: Setting<Config[K]> } = {
  host: {
    key: 'HOST',
    parse: hostAddress,
    default: '127.0.0.1',
    group: 'server',
    help: 'Address to listen on. 0.0.0.0 listens on all.',
  },
  port: {
    key: 'PORT',
    parse: integer(0, 65535),
    default: 8000,
    group: 'server',
    help: 'Port to listen on. 0 takes any free one.',
  },
  maxConnections: {
    key: 'MAX_CONNECTIONS',
    parse: integer(1, 1_000_000),
    default: 20_000,
    group: 'server',
    help: 'Chat connections at most. The process needs as many file descriptors (ulimit -n).',
  },
  sessionGrace: {
    key: 'SESSION_GRACE',
    parse: integer(0, 3600),
    default: limits.graceSeconds,
    group: 'server',
    help: 'Seconds that a session waits for its client after its connection is gone. 0: it ends at once.',
  },
  sessionOutbox: {
    key: 'SESSION_OUTBOX',
    // At least one answer of the largest size beside what a connection may have unwritten.
    parse: integer(limits.historyBytes + limits.transportBytes, 67_108_864),
    default: limits.outboxBytes,
    group: 'server',
    help: 'Bytes of messages that are kept for a session to resume, at most.',
  },
  pollGap: {
    key: 'POLL_GAP',
    parse: integer(1, 3600),
    default: limits.pollGapSeconds,
    group: 'server',
    help: 'Seconds after which a long-polling client that has not asked again counts as gone.',
  },
  trustProxy: {
    key: 'TRUST_PROXY',
    parse: hopsOrNetworks,
    default: undefined,
    group: 'server',
    help: 'Proxies whose X-Forwarded-For is believed: a number of hops, or addresses and CIDRs with commas between. Unset: none.',
  },
  corsOrigins: {
    key: 'CORS_ORIGINS',
    parse: originsOrAll,
    default: undefined,
    group: 'server',
    help: 'Other origins whose pages may use this server: https://host:port, with commas between, or * for all. Unset: none.',
  },
  databaseUrl: {
    key: 'DATABASE_URL',
    parse: databaseUrl,
    default: 'sqlite://data/finchat.sqlite',
    secret: 'url',
    group: 'storage',
    help: 'postgres://user:password@host:port/name, or sqlite:// and a path. Unset: made from POSTGRES_* where those are set.',
  },
  databasePool: {
    key: 'DATABASE_POOL',
    parse: integer(2, 200),
    default: 10,
    group: 'storage',
    help: 'Connections to PostgreSQL at most.',
  },
  sqliteSynchronous: {
    key: 'SQLITE_SYNCHRONOUS',
    parse: oneOf('NORMAL', 'FULL'),
    default: 'NORMAL',
    group: 'storage',
    help: 'NORMAL survives a killed process, FULL a power cut too (slower).',
  },
  redisUrl: {
    key: 'REDIS_URL',
    parse: redisUrl,
    default: undefined,
    secret: 'url',
    group: 'storage',
    help: 'redis://:password@host:port. Needs PostgreSQL. Makes this server a node: all that run on one database are one chat.',
  },
  nodeLease: {
    key: 'NODE_LEASE',
    // Below three seconds a busy machine would be taken for a dead one.
    parse: integer(3, 300),
    default: 10,
    group: 'storage',
    help: 'Seconds without a sign of life after which the other nodes count one as dead. Counts with REDIS_URL only.',
  },
  registration: {
    key: 'REGISTRATION',
    parse: oneOf('open', 'closed'),
    default: 'open',
    group: 'accounts and limits',
    help: 'open: anybody may register. closed: accounts come from the command line.',
  },
  rateLimits: {
    key: 'RATE_LIMITS',
    parse: onOff,
    default: true,
    group: 'accounts and limits',
    help: 'on or off: all rate limits together.',
  },
  messageMaxLength: {
    key: 'MESSAGE_MAX_LENGTH',
    parse: integer(1, 10000),
    default: limits.bodyLength,
    group: 'accounts and limits',
    help: 'Characters of a message at most.',
  },
  tokenTtlDays: {
    key: 'TOKEN_TTL_DAYS',
    parse: integer(1, 3650),
    default: 30,
    group: 'accounts and limits',
    help: 'Days without use after which a log-in token expires.',
  },
  bcryptRounds: {
    key: 'BCRYPT_ROUNDS',
    parse: integer(4, 15),
    default: 12,
    group: 'accounts and limits',
    help: 'Cost of a password hash, as a power of two.',
  },
  motd: {
    key: 'MOTD',
    parse: text,
    default: defaultMotd,
    group: 'server',
    help: 'Message of the day, the first thing a client receives.',
  },
  metricsPort: {
    key: 'METRICS_PORT',
    parse: integer(0, 65535),
    default: undefined,
    group: 'operation',
    help: 'Port for GET /metrics (Prometheus). Unset: no metrics.',
  },
  metricsHost: {
    key: 'METRICS_HOST',
    parse: hostAddress,
    default: '127.0.0.1',
    group: 'operation',
    help: 'Address for METRICS_PORT.',
  },
  logLevel: {
    key: 'LOG_LEVEL',
    parse: oneOf('fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'),
    default: 'info',
    group: 'operation',
    help: 'fatal, error, warn, info, debug, trace or silent.',
  },
  logFormat: {
    key: 'LOG_FORMAT',
    parse: oneOf('json', 'pretty', 'auto'),
    default: 'auto',
    group: 'operation',
    help: 'json, pretty, or auto: pretty on a terminal, json elsewhere.',
  },
  shutdownSeconds: {
    key: 'SHUTDOWN_SECONDS',
    parse: integer(0, 600),
    default: 10,
    group: 'operation',
    help: 'Seconds in which a stopping server finishes its work.',
  },
  superuserPassword: {
    key: 'FINCHAT_SUPERUSER_PASSWORD',
    parse: text,
    default: undefined,
    secret: 'yes',
    group: 'command line',
    help: 'Password for finchat createsuperuser --noinput.',
  },
  finbotHost: {
    key: 'FINBOT_HOST',
    parse: text,
    default: 'localhost:8000',
    group: 'bot',
    help: 'The server: host:port, or a URL.',
  },
  finbotUsername: {
    key: 'FINBOT_USERNAME',
    parse: text,
    default: undefined,
    group: 'bot',
    help: 'The name of the bot’s account.',
  },
  finbotPassword: {
    key: 'FINBOT_PASSWORD',
    parse: text,
    default: undefined,
    secret: 'yes',
    group: 'bot',
    help: 'The password of the bot’s account.',
  },
  finbotToken: {
    key: 'FINBOT_TOKEN',
    parse: text,
    default: undefined,
    secret: 'yes',
    group: 'bot',
    help: 'A long-lived token (finchat tokens create) in place of name and password.',
  },
  finbotRooms: {
    key: 'FINBOT_ROOMS',
    parse: list(':'),
    default: [],
    group: 'bot',
    help: 'Rooms to join, with colons between. Unset: all.',
  },
  finbotQuotes: {
    key: 'FINBOT_QUOTES',
    parse: list(','),
    default: ['stooq', 'yahoo'],
    group: 'bot',
    help: 'Quote providers, asked in this order: stooq, yahoo, fixture.',
  },
  finbotStooqUrl: {
    key: 'FINBOT_STOOQ_URL',
    parse: httpUrl,
    default: 'https://stooq.com',
    group: 'bot',
    help: 'Base URL of stooq.',
  },
  finbotYahooUrl: {
    key: 'FINBOT_YAHOO_URL',
    parse: httpUrl,
    default: 'https://query1.finance.yahoo.com',
    group: 'bot',
    help: 'Base URL of Yahoo’s chart service.',
  },
  finbotFixtureFile: {
    key: 'FINBOT_FIXTURE_FILE',
    parse: text,
    default: undefined,
    group: 'bot',
    help: 'JSON file for the fixture provider: {"AAPL.US": 189.98}. Unset: a few built-in symbols.',
  },
  finbotStateFile: {
    key: 'FINBOT_STATE_FILE',
    parse: (value) => (value === 'none' ? undefined : value),
    default: 'data/finbot.json',
    group: 'bot',
    help: 'File from which a bot started anew goes on where it was, one for each bot. none: it starts afresh.',
  },
};

export type { Env } from './derived-settings.ts';

/**
 * Reads the settings. An empty variable counts as unset.
 * @throws ConfigError with every fault.
 */
export function loadConfig(env: Env): Config {
  const faults: string[] = [];
  const values: Record<string, unknown> = {};
  const given = withDerived(env, faults);
  for (const [name, setting] of Object.entries(settings)) {
    const raw = given[setting.key];
    values[name] = setting.default;
    if (raw === undefined || raw === '') continue;
    try {
      values[name] = setting.parse(raw);
    } catch (error) {
      faults.push(`${setting.key} ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  const config = values as Config;
  if (config.redisUrl !== undefined && config.databaseUrl.startsWith('sqlite:')) {
    faults.push('REDIS_URL needs PostgreSQL: set DATABASE_URL to postgres://…, or leave REDIS_URL out.');
  }
  if (faults.length > 0) throw new ConfigError(faults);
  return Object.freeze(config);
}

/** The variable's value as it may be shown: secrets masked. */
export function showSetting(setting: Setting, value: Config[keyof Config]): string {
  if (value === undefined) return '';
  if (setting.secret === 'yes') return '********';
  if (setting.secret === 'url') return String(value).replace(/^([a-z]+:\/\/[^/@]*?:)[^@]*@/, '$1********@');
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (Array.isArray(value)) return value.join(setting.key === 'FINBOT_ROOMS' ? ':' : ',');
  return String(value);
}
