/** The log: pino's, JSON in production and readable on a terminal, with what must never be written taken out. */
import { type DestinationStream, type LogFn, type Logger, pino, stdSerializers, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';
import { NodeSilent } from './core/cluster-ports.ts';
import { StoreError } from './core/ports.ts';
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
      serializers: { err: describeError },
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

/**
 * What is away is no fault of this program, and is met by each request while it lasts: the reason is told, and no stack,
 * which only says who has noticed.
 */
function describeError(error: Error): object {
  const isAway = error instanceof NodeSilent || (error instanceof StoreError && awayKinds.has(error.kind));
  if (!isAway) return stdSerializers.err(error);
  return { type: error.name, message: error.message, ...(error instanceof StoreError ? { kind: error.kind } : {}) };
}

const awayKinds: ReadonlySet<StoreError['kind']> = new Set(['unavailable', 'busy', 'unknown', 'fenced']);

/** The sentence that was logged, and the error's own: of the other details nobody knows what they hold. */
function noteProblem(problems: Problems, args: Parameters<LogFn>, number: number): void {
  const [details, sentence]: readonly unknown[] = args;
  const error = details instanceof Error ? details : (details as { err?: unknown } | undefined)?.err;
  const texts = [typeof details === 'string' ? details : sentence, error instanceof Error ? error.message : undefined];
  const message = texts.filter((text) => typeof text === 'string').join(' ');
  problems.note(number >= levels.fatal ? 'fatal' : number >= levels.error ? 'error' : 'warn', message);
}
