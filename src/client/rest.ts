/** The REST calls. Knows HTTP and nothing of the chat. */
import { RequestError } from './errors.ts';
import type { FetchLike, Timers } from './platform.ts';

export type Profile = { username: string; email: string };
export type Credentials = { username: string; password: string };
export type Registration = Credentials & { email?: string };
export type CallOptions = { signal?: AbortSignal };

export type Rest = {
  register(registration: Registration, options?: CallOptions): Promise<Profile>;
  /** Resolves with the token. */
  login(credentials: Credentials, options?: CallOptions): Promise<string>;
  logout(token: string | undefined, options?: CallOptions): Promise<void>;
  profile(token: string | undefined, options?: CallOptions): Promise<Profile>;
};

type Call = { method: 'GET' | 'POST'; path: string; token?: string | undefined; body?: unknown };

export function createRest(base: string, fetch: FetchLike, timers: Timers, timeoutMs: number): Rest {
  const call = (request: Call, options: CallOptions | undefined): Promise<unknown> =>
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
  return {
    async register(body, options) {
      return profileOf(await call({ method: 'POST', path: '/register', body }, options));
    },
    async login(body, options) {
      const answer = await call({ method: 'POST', path: '/login', body }, options);
      const { token } = fieldsOf(answer);
      if (typeof token !== 'string') throw unreadable();
      return token;
    },
    async logout(token, options) {
      await call({ method: 'POST', path: '/logout', token }, options);
    },
    async profile(token, options) {
      return profileOf(await call({ method: 'GET', path: '/profile', token }, options));
    },
  };
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

function fieldsOf(value: unknown): Record<string, unknown> {
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

function profileOf(answer: unknown): Profile {
  const { username, email } = fieldsOf(answer);
  if (typeof username !== 'string') throw unreadable();
  return { username, email: typeof email === 'string' ? email : '' };
}

function unreadable(): RequestError {
  return new RequestError(0, {}, 'The answer is not one of a finchat server: is the URL right?');
}
