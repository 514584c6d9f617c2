/** What the client takes from where it runs: time, chance, WebSocket and fetch, each as little as is used of it. */

/** `setTimeout` and `clearTimeout`; the handle is opaque. */
export type Timers = {
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(handle: unknown): void;
};

/** The part of the browser's WebSocket that is used; the `ws` package's class fits too. */
export type WebSocketLike = {
  send(text: string): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'message', listener: (event: { data: unknown }) => void): void;
  addEventListener(type: 'close', listener: (event: { code: number }) => void): void;
  addEventListener(type: 'error', listener: () => void): void;
};
export type WebSocketConstructor = new (url: string) => WebSocketLike;

/** The part of an answer that is used. Event streams need `headers` and `body` as well; the other calls do without. */
export type ResponseLike = {
  readonly status: number;
  text(): Promise<string>;
  readonly headers?: { get(name: string): string | null };
  readonly body?: {
    getReader(): { read(): Promise<{ done: boolean; value?: Uint8Array | undefined }> };
  } | null;
};

/** The part of `fetch` that is used. It rejects when no answer comes, and when the signal fires. */
export type FetchLike = (
  url: string,
  init: {
    method: string;
    headers: Record<string, string>;
    body?: string;
    keepalive?: boolean;
    signal: AbortSignal;
  },
) => Promise<ResponseLike>;

export const platformTimers: Timers = {
  setTimeout: (run, ms) => globalThis.setTimeout(run, ms),
  clearTimeout: (handle) => globalThis.clearTimeout(handle as number),
};

/** From 0 up to 1, from the platform's cryptographic source: refs must not repeat across processes. */
export function platformRandom(): number {
  return (globalThis.crypto.getRandomValues(new Uint32Array(1))[0] as number) / 2 ** 32;
}

// Called through the global object: browsers' fetch refuses any other receiver.
export const platformFetch: FetchLike = (url, init) => globalThis.fetch(url, init);

/** 96 random bits, as letters and digits. */
export function refPrefix(random: () => number): string {
  return [0, 1, 2].map(() => Math.floor(random() * 2 ** 32).toString(36)).join('');
}
