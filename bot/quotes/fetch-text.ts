/**
 * One HTTP GET whose time and size are bounded, and the classification of pages that are no quote. Knows nothing of CSV,
 * JSON or symbols. Redirects are not followed: a quote address that sends us elsewhere has changed, or is a challenge.
 */
import type { QuoteFailure } from './provider.ts';

export type FetchOptions = {
  fetch: typeof fetch;
  signal: AbortSignal;
  /** Milliseconds for the whole answer, body included. */
  timeoutMs: number;
  /** Bytes read of the body; the rest is dropped. */
  maxBytes: number;
  accept: string;
};

export type Page = {
  status: number;
  /** At most `maxBytes` of it. */
  body: string;
  truncated: boolean;
};

export type Fetched = { kind: 'page'; page: Page } | { kind: 'failed'; reason: QuoteFailure };

// Says honestly who asks, so that a source that does not want us can say so.
const userAgent = 'finbot (finchat)';

/** Never rejects. */
export async function fetchText(url: URL, options: FetchOptions): Promise<Fetched> {
  const { signal, timeoutMs } = options;
  const control = new AbortController();
  let timedOut = false;
  const stop = (): void => control.abort();
  const timer = setTimeout(() => {
    timedOut = true;
    stop();
  }, timeoutMs);
  signal.addEventListener('abort', stop, { once: true });
  let answered = false;
  try {
    if (signal.aborted) return { kind: 'failed', reason: 'stopped' };
    const response = await options.fetch(url, {
      signal: control.signal,
      redirect: 'manual',
      headers: { accept: options.accept, 'user-agent': userAgent },
    });
    answered = true;
    const { text, truncated } = await readBounded(response, options.maxBytes);
    return { kind: 'page', page: { status: response.status, body: text, truncated } };
  } catch {
    // fetch has one error for all troubles of the network; what we know ourselves says more.
    if (timedOut) return { kind: 'failed', reason: 'timeout' };
    if (signal.aborted) return { kind: 'failed', reason: 'stopped' };
    return { kind: 'failed', reason: answered ? 'cut-off' : 'unreachable' };
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

async function readBounded(response: Response, maxBytes: number): Promise<{ text: string; truncated: boolean }> {
  if (response.body === null) return { text: '', truncated: false };
  const decoder = new TextDecoder();
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  let room = maxBytes;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return { text: text + decoder.decode(), truncated: false };
    text += decoder.decode(value.subarray(0, room), { stream: true });
    room -= value.byteLength;
    if (room < 0) {
      await reader.cancel();
      return { text, truncated: true };
    }
  }
}

const limitWords = /exceeded the daily hits limit|daily (hits |request )?limit/i;
const challengeWords =
  /captcha|challenge|verif(y|ies|ying)|are you (a )?(human|robot)|enable javascript|just a moment|consent/i;

/**
 * Why a page is no quote, judged by what it says before what its status claims: sources send limits and challenges with
 * 200. Undefined: nothing speaks against reading it as a quote.
 */
export function pageFault(page: Page): QuoteFailure | undefined {
  const start = page.body.trimStart();
  const isJson = start.startsWith('{');
  if (!isJson && limitWords.test(start)) return 'daily-limit';
  // A source of data has no reason to show a page with 200, unless it wants to see a browser first.
  if (start.startsWith('<') && (challengeWords.test(start) || page.status === 200)) return 'challenge';
  if (page.truncated) return 'too-large';
  return undefined;
}

/** Why an answer of this status, whose body did not say it, is no quote. Undefined for 2xx. */
export function statusFault(status: number): QuoteFailure | undefined {
  if (status >= 200 && status < 300) return undefined;
  if (status >= 300 && status < 400) return 'redirected';
  if (status === 404 || status === 410) return 'gone';
  if (status === 429) return 'throttled';
  return status >= 500 ? 'server-error' : 'refused';
}
