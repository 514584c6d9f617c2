/**
 * The event stream transport: receives by `fetch` with a streaming body, which browsers have as well as Node and which,
 * unlike EventSource, takes a header for the token. Sends by POST. Coming back is not its business.
 */
import { createParser } from 'eventsource-parser';
import type { FetchLike, ResponseLike, Timers } from '../platform.ts';
import { ask, placeOf, refuse, untilOver, withQuery } from './http.ts';
import { type OpenTransport, ownCloseCodes, parseMessage, type TransportEvents } from './transport.ts';
import { createUpstream } from './upstream.ts';

const path = '/sse/chat';

/** `base`: the server's http(s) URL without a trailing slash. */
export function createSseTransport(base: string, fetch: FetchLike, timers: Timers): OpenTransport {
  return ({ token, cursor, takeover, session }, listeners) => {
    const line = { base, fetch, timers, token };
    const controller = new AbortController();
    const { signal } = controller;
    const upstream = createUpstream(line, path, session, (code) => end(code));
    const events = untilOver(signal, listeners);
    const end = (code: number): void => {
      events.onClosed(code);
      controller.abort();
      upstream.stop();
    };
    const stream = async (): Promise<void> => {
      const target = withQuery(path, { cursor, takeover: takeover ? '1' : undefined });
      const asking = { method: 'GET', path: target, accept: 'text/event-stream', signal } as const;
      // The connection sets a deadline for the opening and watches the silence after it: a stream has no other end.
      await ask(line, asking, async (response) => {
        if (isStream(response)) await read(response, events);
        else await refuse(response, events);
      });
    };
    void stream().then(
      () => end(ownCloseCodes.broken),
      () => end(ownCloseCodes.broken),
    );
    return {
      send: upstream.send,
      proveLife: upstream.proveLife,
      async close(how) {
        controller.abort();
        if (how === 'leave') await upstream.leave();
        else upstream.stop();
      },
    };
  };
}

function isStream(response: ResponseLike): boolean {
  const type = response.headers?.get('content-type') ?? '';
  return response.status === 200 && type.startsWith('text/event-stream');
}

/** Tells of every event until the stream ends. */
async function read(response: ResponseLike, events: TransportEvents): Promise<void> {
  const parser = createParser({
    onEvent: ({ data, id }) => events.onMessage(parseMessage(data), id === undefined ? undefined : placeOf(id)?.n),
  });
  const decoder = new TextDecoder();
  const reader = response.body?.getReader();
  for (;;) {
    const chunk = await reader?.read();
    if (chunk?.value === undefined || chunk.done) return;
    // Comments count as well: they are there to show that the line lives.
    events.onAlive();
    parser.feed(decoder.decode(chunk.value, { stream: true }));
  }
}
