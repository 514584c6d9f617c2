/**
 * Every bound that a client can meet, with its unit and its reason. Server, client SDK, documents and tests read
 * this file, so a number stands here once. Lengths of strings count UTF-16 units, as JavaScript's `length` does.
 */
export const limits = {
  /** Bytes of one client message (a WebSocket frame): room for the longest body with every character escaped. */
  clientMessageBytes: 65_536,
  /** Bytes of an HTTP request body. */
  requestBodyBytes: 65_536,
  /** Characters of a message body, after trimming. The default of the setting `MESSAGE_MAX_LENGTH`. */
  bodyLength: 4096,
  /** Characters of a command's name, after trimming. */
  commandLength: 64,
  /** Characters of a command's payload. */
  payloadLength: 4096,
  /** Characters of a `ref`. */
  refLength: 64,
  /** Characters of a room's name. */
  roomNameLength: 64,
  /** Characters of a room's topic: one line of a page. */
  topicLength: 250,
  /** Characters of a user's name (Django's limit, which the first clients know). */
  usernameLength: 150,
  /** Characters of an e-mail address (RFC 5321 §4.5.3.1.3: a path of 256 with its angle brackets). */
  emailLength: 254,
  /** Characters of a password, at least. */
  passwordMinLength: 8,
  /** Bytes of a password in UTF-8, at most: bcrypt reads no further. */
  passwordMaxBytes: 72,
  /** Minutes that a user may be muted or banned for, at most: a year. A ban without an end is for good. */
  banMinutes: 525_600,
  /** Characters of a ban's reason: one line of a page, as a topic. */
  banReasonLength: 250,
  /** Characters of a long-lived token's label: one line of a table, as a topic. */
  labelLength: 250,
  /** Days until a long-lived token expires, at most: beyond a hundred years, never is what is meant. */
  tokenDays: 36_500,
  /** Messages in `status.messages` of a plain join. */
  joinMessages: 50,
  /** Messages in `status.messages` of a join with `since`. */
  sinceMessages: 500,
  /** Messages in a `history` answer, and in one page of `GET /rooms/{name}/messages`. */
  historyMessages: 200,
  /** Messages of a `history` answer or a page that names no limit. */
  historyDefault: 50,
  /** Rows in one page of a list of the administration API. */
  pageRows: 200,
  /** Rows of such a page where it does not say how many. */
  pageRowsDefault: 50,
  /** Characters of what such a list is searched for: more than anybody types. */
  searchLength: 250,
  /** Encoded bytes of the messages in one join or history answer. */
  historyBytes: 262_144,
  /** Refs of commands a session remembers, to drop the same command sent again. */
  commandRefs: 1000,
  /** Bytes a WebSocket without resume may have unwritten before it is closed as too slow. */
  unwrittenBytes: 1_048_576,
  /** Bytes, and one message, that a connection of a resumable session may have unwritten, and of the messages in one poll's answer: what is beyond waits in the outbox. */
  transportBytes: 65_536,
  /** Bytes of the server messages that a resumable session keeps for a resume. The default of the setting `SESSION_OUTBOX`. */
  outboxBytes: 1_048_576,
  /** Milliseconds a delivered message is kept for a resume: a connection that is dead was noticed long before. */
  outboxAgeMs: 180_000,
  /** Milliseconds in which a connection has to take what is unwritten before its session is detached. */
  drainMs: 10_000,
  /** Seconds a session waits for its client after its connection is gone. The default of the setting `SESSION_GRACE`. */
  graceSeconds: 30,
  /** Seconds until a poll that does not come again counts as gone. The default of the setting `POLL_GAP`. */
  pollGapSeconds: 60,
  /** Seconds a poll waits for a message where it does not say how long. */
  pollWaitSeconds: 25,
  /** Seconds a poll may wait: below the 60 s after which common proxies cut a silent request. */
  pollWaitMaxSeconds: 55,
  /** Milliseconds between the comments on an event stream: below the shortest idle cut of common proxies, 30 s. */
  commentIntervalMs: 15_000,
  /** Milliseconds after which a browser opens a broken event stream again (`retry:`): soon, but not at once, for a server that restarts. */
  retryMs: 2_000,
  /** Milliseconds that an event stream counts as alive after it was opened or its client has posted. */
  aliveMs: 45_000,
  /** Client messages in one POST. */
  batchMessages: 100,
  /** Characters of a session's id. */
  sessionIdLength: 40,
  /** Frames of one session that wait for their turn; a message beyond them is answered `unavailable`. */
  queuedFrames: 256,
  /** Bytes of the frames of one session that wait for their turn. */
  queuedBytes: 1_048_576,
  /** Milliseconds between WebSocket pings (RFC 6455 §5.5.2): shorter than common proxies' 60 s idle cut. */
  pingIntervalMs: 25_000,
  /** Milliseconds an older connection has to prove that it lives before a newcomer takes its place. */
  proofMs: 3_000,
  /** Client messages a second of one user, on average. */
  messagesPerSecond: 20,
  /** Client messages of one user in a burst. */
  messageBurst: 100,
  /** WebSocket fragments of one client message (RFC 6455 §5.4): the largest message in pieces of 64 bytes. */
  messageFragments: 1024,
  /** Frames a second of one session, pings, pongs and resumes too, before it is cut or refused as flooding: far above what the message rate lets through. */
  rawFramesPerSecond: 500,
  /** Bytes a second of one session, what a resume writes again too, before it is cut or refused as flooding. */
  rawBytesPerSecond: 4_194_304,
  /** Times that a session goes from one server of a chat to another in a burst: each carries its outbox and its rooms along. */
  moveBurst: 20,
  /** Such times a minute, on average: a network that comes and goes needs fewer. */
  movesPerMinute: 30,
} as const;
