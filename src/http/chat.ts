/**
 * What the two addresses of the chat over HTTP do, `/sse/chat` and `/poll/chat`, whichever way a request came to them:
 * Koa's (routes/chat.ts) or past it (short-way.ts). Each function writes its answer itself, or rejects with what
 * answers.ts has an answer for.
 */

import type { IncomingMessage, ServerResponse } from 'node:http';
import { NodeSilent } from '../core/cluster-ports.ts';
import { type Credentials, readCredentials } from '../core/credentials.ts';
import { StoreError } from '../core/ports.ts';
import type { OpenRequest } from '../core/transport.ts';
import { notConnectedBody } from '../protocol/errors.ts';
import { limits } from '../protocol/limits.ts';
import {
  fatalAnswer,
  floodingAnswer,
  jsonAnswer,
  type RawHeaders,
  unavailableAnswer,
  writeAnswer,
  writeTaken,
} from '../transports/http-answers.ts';
import type { UpstreamOutcome } from '../transports/upstream.ts';
import type { HttpDependencies } from './dependencies.ts';
import { requireFields, wholeNumber } from './guard.ts';

/** A request whose address and query have been read. `standing`: see `writeAnswer`. */
export type ChatCall = {
  request: IncomingMessage;
  response: ServerResponse;
  query: Readonly<Record<string, string>>;
  standing: RawHeaders;
};

/** The client messages of a body. Rejects with what is wrong with it. */
export type ReadMessages = () => Promise<{ messages: readonly unknown[]; bytes: number }>;

type Tools = Pick<HttpDependencies, 'chat' | 'log'>;

const pollFields = { wait: wholeNumber(0, limits.pollWaitMaxSeconds) };
const waitSeconds: ReadonlyMap<string | undefined, number> = new Map([
  [undefined, limits.pollWaitSeconds],
  ...Array.from({ length: limits.pollWaitMaxSeconds + 1 }, (_, seconds) => [String(seconds), seconds] as const),
]);

/** Resolves when the stream is open or refused. */
export function openStream({ chat }: Tools, call: ChatCall): Promise<void> {
  const { 'last-event-id': last } = call.request.headers;
  return chat.sse.open(call.response, openRequest(call, String(last ?? '') || call.query.cursor));
}

/** Resolves when it is known who will answer. */
export async function openPoll({ chat }: Tools, call: ChatCall): Promise<void> {
  // A look at a table, since reading it by the schema takes a thirtieth of a poll.
  const wait = waitSeconds.get(call.query.wait) ?? requireFields(pollFields, call.query).wait ?? limits.pollWaitSeconds;
  await chat.poll.open(call.response, openRequest(call, call.query.cursor), wait * 1000, call.standing);
}

export async function post(tools: Tools, call: ChatCall, readMessages: ReadMessages): Promise<void> {
  // Whoever has no session learns that first, whatever the body is; so the body's fault waits.
  const read = await readMessages().catch((error: unknown) => ({ fault: error }));
  const { messages, bytes } = 'fault' in read ? { messages: [], bytes: 0 } : read;
  const isDone = await act(tools, call, () => tools.chat.upstream.post(senderOf(call), messages, bytes));
  if (!isDone) return;
  if ('fault' in read) throw read.fault;
  writeTaken(call.response, call.standing);
}

export async function leave(tools: Tools, call: ChatCall): Promise<void> {
  const isDone = await act(tools, call, () => tools.chat.upstream.leave(senderOf(call)));
  if (isDone) call.response.writeHead(204, [...call.standing]).end();
}

/** Resolves false where it was not done, and that has been answered. */
async function act(
  { log }: Tools,
  { response, standing }: ChatCall,
  ask: () => Promise<UpstreamOutcome>,
): Promise<boolean> {
  let outcome: UpstreamOutcome;
  try {
    outcome = await ask();
  } catch (error: unknown) {
    if (!(error instanceof StoreError) && !(error instanceof NodeSilent)) throw error;
    log.warn({ err: error }, 'A message was sent away, because nobody could be asked whose it is.');
    writeAnswer(response, unavailableAnswer(), standing);
    return false;
  }
  if (outcome === 'done') return true;
  if (outcome === 'not-authenticated') writeAnswer(response, fatalAnswer(outcome), standing);
  else if (outcome === 'flooding') writeAnswer(response, floodingAnswer(), standing);
  else writeAnswer(response, jsonAnswer(409, JSON.stringify(notConnectedBody)), standing);
  return false;
}

function openRequest(call: ChatCall, cursor: string | undefined): OpenRequest {
  return {
    credentials: credentialsOf(call),
    takeover: call.query.takeover === '1',
    resumable: true,
    cursor: cursor === '' ? undefined : cursor,
  };
}

function senderOf(call: ChatCall): { credentials: Credentials; session: string | undefined } {
  return { credentials: credentialsOf(call), session: call.query.session };
}

/** In the query too: a browser's EventSource sets no headers. */
function credentialsOf({ request, query }: ChatCall): Credentials {
  return readCredentials(request.headers.authorization, query.token);
}
