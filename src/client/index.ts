/** The client SDK: one file for browsers and Node. Everything public is here and nothing else is. */
export { closeCodes, type Retry, retryAfterClose } from '../protocol/close-codes.ts';
export { type ErrorCode, errorCodes, type FatalCode, fatalCodes } from '../protocol/errors.ts';
export type * from '../protocol/frames.ts';
export { limits } from '../protocol/limits.ts';
export { backoff } from './backoff.ts';
export type { CallOptions } from './call.ts';
export { type Client, type ClientOptions, type ConnectOptions, createClient } from './client.ts';
export type { ConnectionState } from './connection-deps.ts';
export { connectionTimes } from './connection-times.ts';
export {
  ChatError,
  ConnectionError,
  type ConnectionErrorReason,
  type EndReason,
  FatalError,
  RequestError,
} from './errors.ts';
export type { ChatMessage, ClientEvents, CommandEvent, DeletedEvent, JoinedEvent, PartedEvent } from './events.ts';
export type { ExportedSession } from './exported-session.ts';
export type { FetchLike, ResponseLike, Timers, WebSocketConstructor, WebSocketLike } from './platform.ts';
export type { AskOptions, HistoryOptions, HistoryPage, SendOptions, Sent } from './request-options.ts';
export { requestLimits } from './requests.ts';
export type { Credentials, Profile, Registration } from './rest.ts';
export type { RoomMark } from './rooms.ts';
export type { TransportWish } from './transports/available.ts';
export type { TransportKind } from './transports/transport.ts';
