import test from 'ava';
import { closeCodes, type Retry } from '../../src/protocol/close-codes.ts';
import { decodeClientFrame } from '../../src/protocol/codec.ts';
import { errorCodes, fatalCodes } from '../../src/protocol/errors.ts';
import { limits } from '../../src/protocol/limits.ts';
import { assertClientFrame, documentedMessages } from '../support/asyncapi.ts';
import { isProjectPath, readProjectFile, tableRows } from './markdown.ts';

const page = readProjectFile('docs/PROTOCOL.md');

test('the table of errors is the code’s, with the same sentences', (t) => {
  const documented = tableRows(page, 'error').map(([code, meaning]) => [code, meaning]);
  t.deepEqual(documented, Object.entries(errorCodes));
});

test('the order of the checks is a list that names every error once', (t) => {
  const section = page.split('### Which error, when')[1]?.split('\n| error')[0] ?? '';
  const steps = Array.from(section.matchAll(/^(\d+)\. (.*)$/gm));
  t.deepEqual(
    steps.map(([, number]) => Number(number)),
    steps.map((_, index) => index + 1),
  );
  const named = steps.flatMap(([, , text = '']) => Array.from(text.matchAll(/`([a-z:-]+)`/g), ([, code = '']) => code));
  const errors = named.filter((code) => code in errorCodes);
  t.deepEqual([...errors, 'unavailable'].sort(), Object.keys(errorCodes).sort());
  t.deepEqual(errors.slice(0, 3), ['invalid-format', 'rate-limited', 'unsupported-command']);
});

test('the details of the errors are those of the schemas', (t) => {
  for (const [code = '', , details = ''] of tableRows(page, 'error')) {
    const schema = documentedMessages.find((entry) => entry.type === 'error' && entry.code === code)?.message.payload;
    t.is(details !== '', schema?.required?.includes('details') ?? false, code);
  }
});

test('the table of fatals is the code’s, with their close codes and statuses', (t) => {
  const expected = Object.entries(fatalCodes).map(([code, { meaning, close, status }]) => [
    code,
    meaning,
    String(closeCodes[close].code),
    String(status),
  ]);
  t.deepEqual(tableRows(page, 'fatal'), expected);
});

test('the table of close codes is the code’s, with what a client does after each', (t) => {
  const words: Record<Retry, string> = { no: 'no', backoff: 'with backoff', jitter: 'after a random wait' };
  const expected = Object.values(closeCodes).map(({ code, meaning, retry }) => [String(code), meaning, words[retry]]);
  t.deepEqual(tableRows(page, 'code'), expected);
});

// The compiler demands a row for each limit.
const limitRows: Record<keyof typeof limits, string> = {
  clientMessageBytes: 'client message (one WebSocket frame)',
  requestBodyBytes: 'body of an HTTP request',
  bodyLength: 'body of a message, after trimming',
  commandLength: 'command',
  payloadLength: 'payload of a command',
  refLength: '`ref`',
  roomNameLength: 'name of a room',
  topicLength: 'topic of a room',
  usernameLength: 'name of a user',
  emailLength: 'e-mail address',
  passwordMinLength: 'password, at least',
  passwordMaxBytes: 'password',
  banMinutes: 'mute, and ban with an end',
  banReasonLength: 'reason of a ban',
  labelLength: 'label of a long-lived token',
  tokenDays: 'life of a long-lived token with an end',
  joinMessages: 'messages when you join',
  sinceMessages: 'messages when you join with `since`',
  historyMessages: 'messages in one page of history',
  historyDefault: 'messages in a page that names no `limit`',
  pageRows: 'rows in one page of a list for administrators',
  pageRowsDefault: 'rows in such a page that names no `limit`',
  searchLength: 'text that such a list is searched for',
  historyBytes: 'messages in one join, page or history answer, encoded',
  commandRefs: 'refs of commands that a session remembers',
  unwrittenBytes: 'sent by the server and not yet read by you (then close code 4408)',
  transportBytes: 'sent to a session that can be resumed and not yet read by you; in one answer to a poll',
  outboxBytes: 'kept for a resume',
  outboxAgeMs: 'time that a delivered message is kept for a resume',
  drainMs: 'time in which you have to read what was sent (then the session is detached)',
  graceSeconds: 'grace: time that a session waits for its client',
  pollGapSeconds: 'time between two polls',
  pollWaitSeconds: 'time that a poll waits, unless it says how long',
  pollWaitMaxSeconds: '`wait` of a poll',
  commentIntervalMs: 'time between the comments on an event stream',
  retryMs: '`retry` of an event stream',
  aliveMs: 'time that an event stream counts as alive after it was opened or its client has posted',
  batchMessages: 'messages in one POST',
  sessionIdLength: 'id of a session',
  queuedFrames: 'messages of yours that wait for their turn (`unavailable` beyond)',
  queuedBytes: 'size of those waiting messages (`unavailable` beyond)',
  pingIntervalMs: 'time between pings',
  proofMs: 'time that an older connection has to prove that it lives',
  messagesPerSecond: 'messages a second, on average, per user',
  messageBurst: 'messages in a burst, per user',
  messageFragments: 'WebSocket fragments of one message (then close code 1008)',
  rawFramesPerSecond: 'frames a second (then close code 4429, or HTTP 429)',
  rawBytesPerSecond: 'bytes a second (then close code 4429, or HTTP 429)',
  moveBurst: 'resumes at another of several servers in a burst (then close code 4429, or HTTP 429)',
  movesPerMinute: 'such resumes a minute, on average',
};

test('the table of limits has every limit with its value, and no other', (t) => {
  const documented = tableRows(page, 'what').map(([what = '', value = '']) => `${what}: ${value.split(' ')[0]}`);
  const expected = Object.entries(limitRows).map(
    ([key, label]) => `${label.replace(/^`(.*)`$/, '$1')}: ${limits[key as keyof typeof limits]}`,
  );
  t.deepEqual(documented.toSorted(), expected.toSorted());
});

test('every message in the table of client messages is one that the server reads, and each of its types is there', (t) => {
  const types = new Set<string>();
  for (const [text = ''] of tableRows(page, 'message')) {
    const decoded = decodeClientFrame(text);
    t.is(decoded.kind, 'frame', text);
    assertClientFrame(JSON.parse(text));
    if (decoded.kind === 'frame') types.add(decoded.frame.type);
  }
  const documented = documentedMessages.filter((entry) => entry.from === 'client').map((entry) => entry.type);
  t.deepEqual([...types].toSorted(), [...new Set(documented)].toSorted());
});

test('links between the pages lead to files that are there', (t) => {
  const pages = [
    'README.md',
    'CHANGELOG.md',
    'SECURITY.md',
    'docs/ARCHITECTURE.md',
    'docs/OPERATIONS.md',
    'docs/PROTOCOL.md',
  ];
  for (const path of pages) {
    const folder = path.startsWith('docs/') ? 'docs/' : '';
    for (const [, target = ''] of readProjectFile(path).matchAll(/\]\(([^)#:\s]+)(?:#[^)]*)?\)/g)) {
      t.true(isProjectPath(`${folder}${target}`), `${path} → ${target}`);
    }
  }
});

test('every path that README and ARCHITECTURE name is there', (t) => {
  for (const page of ['README.md', 'docs/ARCHITECTURE.md', 'docs/OPERATIONS.md']) {
    const paths = [...readProjectFile(page).matchAll(/`((?:src|cli|bot|test|bench|docs)(?:\/[\w./-]*)?)`/g)];
    for (const [, path = ''] of paths) t.true(isProjectPath(path), `${page}: ${path}`);
  }
});

test('every file and folder in ARCHITECTURE’s layout is there', (t) => {
  const [, layout = ''] = /\n```\n(src\/\n[\s\S]*?)```/.exec(readProjectFile('docs/ARCHITECTURE.md')) ?? [];
  const entries = [...layout.matchAll(/^( *)(\S+)/gm)].map(([, indent = '', name = '']) =>
    indent === '' ? name : `src/${name}`,
  );
  t.true(entries.length > 10);
  for (const entry of entries) t.true(isProjectPath(entry), entry);
});
