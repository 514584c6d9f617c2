import type Router from '@koa/router';
import { NodeSilent } from '../../core/cluster-ports.ts';
import { type Credentials, readCredentials } from '../../core/credentials.ts';
import { StoreError } from '../../core/ports.ts';
import type { OpenRequest } from '../../core/sessions.ts';
import { notConnectedBody } from '../../protocol/errors.ts';
import { limits } from '../../protocol/limits.ts';
import {
  fatalAnswer,
  floodingAnswer,
  jsonAnswer,
  unavailableAnswer,
  writeAnswer,
} from '../../transports/http-answers.ts';
import type { UpstreamOutcome } from '../../transports/upstream.ts';
import { Refusal } from '../answers.ts';
import type { RouteTools } from '../dependencies.ts';
import { readMessages, readQuery, requireFields, wholeNumber } from '../guard.ts';

type Context = Parameters<typeof readQuery>[0];

const pollFields = { wait: wholeNumber(0, limits.pollWaitMaxSeconds) };

/** The chat without sockets: `/sse/chat` and `/poll/chat`. Either takes what clients send. */
export function chatRoutes(router: Router, tools: RouteTools): void {
  const { sse, poll } = tools.chat;

  router.get('/sse/chat', async (ctx) => {
    const query = readQuery(ctx);
    const cursor = ctx.get('Last-Event-ID') || query.cursor;
    await sse.open(ctx.res, openRequest(ctx, query, cursor));
    ctx.respond = false;
  });

  router.get('/poll/chat', async (ctx) => {
    const query = readQuery(ctx);
    const { wait = limits.pollWaitSeconds } = requireFields(pollFields, query);
    await poll.open(ctx.res, openRequest(ctx, query, query.cursor), wait * 1000);
    ctx.respond = false;
  });

  for (const path of ['/sse/chat', '/poll/chat']) {
    router.post(path, (ctx) => post(ctx, tools));
    router.delete(path, (ctx) => leave(ctx, tools));
  }

  withoutHead(router);

  router.get('/ws/chat', (ctx) => {
    // RFC 9110 §15.5.22: a request that came without its upgrade, mostly because a proxy took it off.
    ctx.set('Upgrade', 'websocket');
    ctx.set('Connection', 'Upgrade');
    throw new Refusal(426, 'This address takes WebSockets only. A proxy on the way may have removed the upgrade.');
  });
}

/** The router answers HEAD wherever there is a GET: here that would put its user into the chat. */
function withoutHead(router: Router): void {
  for (const layer of router.stack) {
    if (layer.path === '/sse/chat' || layer.path === '/poll/chat') {
      layer.methods = layer.methods.filter((method) => method !== 'HEAD');
    }
  }
}

function openRequest(ctx: Context, query: Record<string, string>, cursor: string | undefined): OpenRequest {
  return {
    credentials: readChatCredentials(ctx, query),
    takeover: query.takeover === '1',
    resumable: true,
    cursor: cursor === '' ? undefined : cursor,
  };
}

/** In the query too: a browser's EventSource sets no headers. */
function readChatCredentials(ctx: Context, query: Record<string, string>): Credentials {
  return readCredentials(ctx.req.headers.authorization, query.token);
}

type Sender = { credentials: Credentials; session: string | undefined };

function readSender(ctx: Context): Sender {
  const query = readQuery(ctx);
  return { credentials: readChatCredentials(ctx, query), session: query.session };
}

async function post(ctx: Context, { chat, log }: RouteTools): Promise<void> {
  const sender = readSender(ctx);
  // Whoever has no session learns that first, whatever the body is; so the body's fault waits.
  const read = await readMessages(ctx).catch((error: unknown) => ({ fault: error }));
  const { messages, bytes } = 'fault' in read ? { messages: [], bytes: 0 } : read;
  await answer(
    ctx,
    log,
    () => chat.upstream.post(sender, messages, bytes),
    () => {
      if ('fault' in read) throw read.fault;
      ctx.status = 202;
      ctx.body = '';
    },
  );
}

async function leave(ctx: Context, { chat, log }: RouteTools): Promise<void> {
  await answer(
    ctx,
    log,
    () => chat.upstream.leave(readSender(ctx)),
    () => {
      ctx.status = 204;
    },
  );
}

async function answer(
  ctx: Context,
  log: RouteTools['log'],
  act: () => Promise<UpstreamOutcome>,
  onDone: () => void,
): Promise<void> {
  let outcome: UpstreamOutcome;
  try {
    outcome = await act();
  } catch (error: unknown) {
    if (!(error instanceof StoreError) && !(error instanceof NodeSilent)) throw error;
    log.warn({ err: error }, 'A message was sent away, because nobody could be asked whose it is.');
    ctx.respond = false;
    writeAnswer(ctx.res, unavailableAnswer());
    return;
  }
  if (outcome === 'done') {
    onDone();
    return;
  }
  ctx.respond = false;
  if (outcome === 'not-authenticated') writeAnswer(ctx.res, fatalAnswer(outcome));
  else if (outcome === 'not-connected') writeAnswer(ctx.res, jsonAnswer(409, JSON.stringify(notConnectedBody)));
  else writeAnswer(ctx.res, floodingAnswer());
}
