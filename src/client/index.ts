/** The client SDK: one file for browsers and Node. Everything public is here and nothing else is. */
export { closeCodes, type Retry, retryAfterClose } from '../protocol/close-codes.ts';
export { type ErrorCode, errorCodes, type FatalCode, fatalCodes } from '../protocol/errors.ts';
export type * from '../protocol/frames.ts';
export { limits } from '../protocol/limits.ts';
export { backoff } from './backoff.ts';
export {
  type AskOptions,
  type Client,
  type ClientOptions,
  createClient,
  type HistoryOptions,
  type HistoryPage,
  type SendOptions,
  type Sent,
} from './client.ts';
export { type ConnectionState, connectionTimes } from './connection.ts';
export {
  ChatError,
  ConnectionError,
  type ConnectionErrorReason,
  type EndReason,
  FatalError,
  RequestError,
} from './errors.ts';
export type { ChatMessage, ClientEvents, CommandEvent, JoinedEvent, PartedEvent } from './events.ts';
export type { FetchLike, Timers, WebSocketConstructor, WebSocketLike } from './platform.ts';
export { requestLimits } from './requests.ts';
export type { CallOptions, Credentials, Profile, Registration } from './rest.ts';
