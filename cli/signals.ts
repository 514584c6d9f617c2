/** Ctrl-C and a termination request as an AbortSignal, for commands that end in good order. */
export async function untilInterrupted<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const stop = new AbortController();
  const onSignal = (): void => stop.abort();
  // Once: the second Ctrl-C ends the process as usual.
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    return await run(stop.signal);
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
  }
}
