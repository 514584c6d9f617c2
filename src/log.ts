/** The log: pino's, JSON in production and readable on a terminal, with what must never be written taken out. */
import { type DestinationStream, type LogFn, type Logger, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';
import type { Problems } from './problems.ts';

/** As pino numbers them. */
const levels = { warn: 40, error: 50, fatal: 60 } as const;

export type LogOptions = {
  level: string;
  format: 'json' | 'pretty' | 'auto';
  /** Where lines go; standard output if left out. */
  destination?: DestinationStream;
  /** Gets every warning and error that is logged. */
  problems?: Problems;
};

export function createLog({ level, format, destination, problems }: LogOptions): Logger {
  const isPretty = format === 'pretty' || (format === 'auto' && process.stdout.isTTY);
  const stream =
    destination ??
    (isPretty
      ? pretty({ ignore: 'pid,hostname', translateTime: 'SYS:HH:MM:ss', singleLine: true })
      : pino.destination(1));
  return pino(
    {
      level,
      timestamp: stdTimeFunctions.isoTime,
      redact: {
        paths: ['password', 'token', '*.password', '*.token', 'req.headers.authorization', 'headers.authorization'],
        censor: '[redacted]',
      },
      hooks: {
        logMethod(args, method, number) {
          if (problems !== undefined && number >= levels.warn) noteProblem(problems, args, number);
          method.apply(this, args);
        },
      },
    },
    stream,
  );
}

/** The sentence that was logged, and the error's own: of the other details nobody knows what they hold. */
function noteProblem(problems: Problems, args: Parameters<LogFn>, number: number): void {
  const [details, sentence]: readonly unknown[] = args;
  const error = details instanceof Error ? details : (details as { err?: unknown } | undefined)?.err;
  const texts = [typeof details === 'string' ? details : sentence, error instanceof Error ? error.message : undefined];
  const message = texts.filter((text) => typeof text === 'string').join(' ');
  problems.note(number >= levels.fatal ? 'fatal' : number >= levels.error ? 'error' : 'warn', message);
}
