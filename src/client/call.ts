/** One REST call, and the one place where what goes wrong with it becomes a `RequestError`. */
import { RequestError } from './errors.ts';
import type { FetchLike, Timers } from './platform.ts';

export type CallOptions = { signal?: AbortSignal };

/** `path` begins with `/`, and may have a query. */
export type Call = {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  path: string;
  token?: string | undefined;
  body?: unknown;
};

/** Resolves with what was answered, read as JSON; undefined where that is empty. */
export function createCall(
  base: string,
  fetch: FetchLike,
  timers: Timers,
  timeoutMs: number,
): (request: Call, options?: CallOptions) => Promise<unknown> {
  return (request, options) =>
    within(timers, timeoutMs, options?.signal, async (signal) => {
      const response = await fetch(`${base}${request.path}`, {
        method: request.method,
        headers: {
          accept: 'application/json',
          ...(request.token === undefined ? {} : { authorization: `Token ${request.token}` }),
          ...(request.body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(request.body === undefined ? {} : { body: JSON.stringify(request.body) }),
        signal,
      });
      const answer = parse(await response.text());
      if (response.status < 200 || response.status > 299) throw refusal(response.status, answer);
      return answer;
    });
}

/** Runs `work` with a signal that fires after `ms` or with the caller's. */
async function within<Value>(
  timers: Timers,
  ms: number,
  outer: AbortSignal | undefined,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  outer?.throwIfAborted();
  const controller = new AbortController();
  let late = false;
  const timer = timers.setTimeout(() => {
    late = true;
    controller.abort();
  }, ms);
  const onAbort = (): void => controller.abort(outer?.reason);
  outer?.addEventListener('abort', onAbort, { once: true });
  try {
    return await work(controller.signal);
  } catch (cause) {
    if (cause instanceof RequestError) throw cause;
    if (outer?.aborted === true) throw outer.reason;
    const detail = late ? `The server did not answer within ${ms} ms.` : 'The server cannot be reached.';
    throw new RequestError(0, {}, detail, { cause });
  } finally {
    timers.clearTimeout(timer);
    outer?.removeEventListener('abort', onAbort);
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // an empty 204, or a proxy's page: the status says enough
  }
}

/** Its fields, where it has some. */
export function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}

function refusal(status: number, answer: unknown): RequestError {
  const { detail, ...rest } = fieldsOf(answer);
  const fields: Record<string, string[]> = {};
  for (const [field, sentences] of Object.entries(rest)) {
    if (Array.isArray(sentences)) fields[field] = sentences.map(String);
  }
  return new RequestError(status, fields, typeof detail === 'string' ? detail : undefined);
}

/** Something answered, but nothing that speaks for a finchat server. */
export function unreadable(): RequestError {
  return new RequestError(0, {}, 'The answer is not one of a finchat server: is the URL right?');
}
