/** The logger of a process: pino behind the interface that every folder logs through. */
import { type DestinationStream, type Logger as PinoLogger, pino, stdTimeFunctions } from 'pino';
import type { Logger } from '../common/logger.ts';

export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
export type LogLevel = (typeof LOG_LEVELS)[number];

export interface LoggerOptions {
  readonly level: LogLevel;
  /** Name of the agent or service: in every line. */
  readonly name: string;
  /** Absent: stderr, as stdout belongs to the lines that scripts wait for. */
  readonly destination?: DestinationStream;
}

/** Fields that never reach the log, at the top and one level down. */
const SECRETS = ['token', 'tokens', 'authorization', 'password', 'secret', 'ticket', 'api_key', 'apiKey', 'linkKey'];

export function createLogger({ level, name, destination }: LoggerOptions): Logger {
  return pino(
    {
      level,
      base: { name, pid: process.pid },
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      redact: { paths: SECRETS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '[redacted]' },
    },
    destination ?? pino.destination({ dest: 2, sync: true }),
  ) satisfies PinoLogger as Logger;
}
