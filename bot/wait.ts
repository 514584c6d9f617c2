/** Waiting that can be called off. */

/** Resolves after `ms`, or as soon as one of the signals aborts. Never rejects. */
export type Wait = (ms: number, ...signals: AbortSignal[]) => Promise<void>;

export const wait: Wait = (ms, ...signals) =>
  new Promise((resolve) => {
    if (signals.some((signal) => signal.aborted)) {
      resolve();
      return;
    }
    const done = (): void => {
      clearTimeout(timer);
      for (const signal of signals) signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    for (const signal of signals) signal.addEventListener('abort', done, { once: true });
  });
