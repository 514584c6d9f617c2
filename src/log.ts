/** The log: pino's, JSON in production and readable on a terminal, with what must never be written taken out. */
import { type DestinationStream, type Logger, pino, stdTimeFunctions } from 'pino';
import pretty from 'pino-pretty';

export type LogOptions = {
  level: string;
  format: 'json' | 'pretty' | 'auto';
  /** Where lines go; standard output if left out. */
  destination?: DestinationStream;
};

export function createLog({ level, format, destination }: LogOptions): Logger {
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
    },
    stream,
  );
}
