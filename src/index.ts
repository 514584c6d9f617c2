/**
 * The server as a process: settings → app → listen, signals, and the only `process.exit` of the server.
 * A second signal ends it at once.
 */
import { createApp } from './app.ts';
import type { Config } from './config.ts';
import { createLog } from './log.ts';
import { createProblems } from './problems.ts';

/** Resolves when the server listens; a signal or a failure ends the process then. Rejects when it cannot start. */
export async function runServer(config: Config): Promise<void> {
  const problems = createProblems();
  const log = createLog({ level: config.logLevel, format: config.logFormat, problems });
  const app = createApp(config, { log, problems });

  let isStopping = false;
  const stop = (code: number): void => {
    if (isStopping) process.exit(code === 0 ? 130 : code);
    isStopping = true;
    app.close().then(
      () => {
        log.info('Stopped.');
        log.flush(() => process.exit(code));
      },
      (error: unknown) => {
        log.error({ err: error }, 'The server did not stop cleanly.');
        log.flush(() => process.exit(1));
      },
    );
  };
  // Before the start: a migration can take minutes, and the first process of a container has no default for a signal.
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      log.info(`${signal}: stopping.`);
      stop(0);
    });
  }
  process.on('uncaughtException', (error) => {
    log.fatal({ err: error }, 'The server met an error that nothing handled, and stops.');
    stop(1);
  });
  void app.failed.then((reason) => {
    log.fatal(reason);
    // A stop that is under way goes on: its pending commits are still to be finished.
    if (!isStopping) stop(1);
  });
  try {
    await app.listen();
  } catch (error: unknown) {
    // Told to stop while it started: `stop` ends the process.
    if (!isStopping) throw error;
  }
}
