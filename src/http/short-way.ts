/**
 * The way past Koa for the two requests that a busy chat without sockets consists of, polls and POSTs: besides its system
 * calls a poll costs 25 µs by way of Koa, its router and its middleware, and 10 µs past them (node:http alone: 5). It takes
 * only what has the plain form that every client sends; whatever is special in any way, and the first of each origin, goes
 * the long way. What the requests do is chat.ts's, and the answers' headers are those of the long way
 * (standing-headers.ts).
 */
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http';
import { limits } from '../protocol/limits.ts';
import { jsonAnswer, writeAnswer } from '../transports/http-answers.ts';
import type { ClientAddress } from './address.ts';
import { answerFor } from './answers.ts';
import { type ChatCall, openPoll, post } from './chat.ts';
import type { HttpDependencies } from './dependencies.ts';
import { malformedBody, parseMessages } from './guard.ts';
import { logFault, logRequest } from './request-log.ts';
import type { StandingHeaders } from './standing-headers.ts';

export type ShortWayOptions = Pick<HttpDependencies, 'chat' | 'log' | 'metrics'> & {
  standing: StandingHeaders;
  addressOf: ClientAddress;
};

/** Nothing in it is encoded, so that it means what it says. */
const plainAddress = /^(\/(?:sse|poll)\/chat)(?:\?([\w.~=&-]*))?$/;
const plainJson = /^application\/json(?:; ?charset=utf-8)?$/i;
const plainLength = /^[1-9]\d{0,5}$/;

/** Returns false where the request has to go the long way; nothing has been done then. */
export function createShortWay(
  options: ShortWayOptions,
): (request: IncomingMessage, response: ServerResponse) => boolean {
  const { log, metrics, standing, addressOf } = options;

  /** As the middleware of the long way does. */
  function noteWhenOver(request: IncomingMessage, response: ServerResponse, route: string): void {
    const { method = '', url = '' } = request;
    const begun = performance.now();
    const address = addressOf(request);
    response.once('close', () => {
      // A poll that its client broke off has no answer.
      if (!response.headersSent) return;
      const status = response.statusCode;
      const seconds = method === 'GET' ? undefined : (performance.now() - begun) / 1000;
      logRequest(log, { method, url, status, begun, address });
      metrics?.observe({ method, route, status, seconds });
    });
  }

  function answerError(error: unknown, { request, response, standing: head }: ChatCall, route: string): void {
    const answer = answerFor(error);
    const { status, headers, body } = answer;
    logFault(log, error, answer, { method: request.method, path: route });
    if (response.headersSent) response.destroy();
    else writeAnswer(response, jsonAnswer(status, JSON.stringify(body), headers), head);
  }

  return (request, response) => {
    const [, route = '', query = ''] = plainAddress.exec(request.url ?? '') ?? [];
    const isPoll = request.method === 'GET' && route === '/poll/chat';
    const isPost = request.method === 'POST' && route !== '' && hasPlainBody(request.headers);
    const head = isPoll || isPost ? standing.of(request) : undefined;
    if (head === undefined) return false;
    noteWhenOver(request, response, route);
    const call: ChatCall = { request, response, query: readPlainQuery(query), standing: head };
    const done = isPoll
      ? openPoll(options, call)
      : post(options, call, async () => parseMessages(await readPlainBody(request)));
    done.catch((error: unknown) => answerError(error, call, route));
    return true;
  };
}

function hasPlainBody(headers: IncomingHttpHeaders): boolean {
  const length = headers['content-length'] ?? '';
  return (
    plainJson.test(headers['content-type'] ?? '') &&
    plainLength.test(length) &&
    Number(length) <= limits.requestBodyBytes &&
    headers['content-encoding'] === undefined
  );
}

/** As `readQuery`, of a query in which nothing is encoded, and without the names that every object has. */
export function readPlainQuery(text: string): Record<string, string> {
  const query: Record<string, string> = {};
  for (const pair of text.split('&')) {
    const end = pair.indexOf('=');
    if (end === -1) query[pair] ??= '';
    else query[pair.slice(0, end)] ??= pair.slice(end + 1);
  }
  return query;
}

/** The body of a request that says how long it is: Node takes no more than that. */
function readPlainBody(request: IncomingMessage): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.once('error', () => reject(malformedBody()));
    request.once('end', () => {
      const [first] = parts;
      resolve(first !== undefined && parts.length === 1 ? first : Buffer.concat(parts));
    });
  });
}
