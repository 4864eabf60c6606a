import { attempts } from './attempt.ts';

/** Bytes written by an attempt, or by none. */
export type OutputSink = (slot: number, stream: 1 | 2, bytes: Uint8Array) => void;

export const NO_SLOT = -1;

type Write = typeof process.stdout.write;
type Callback = (error?: Error | null) => void;

/**
 * Sends what user code writes to stdout and stderr (console included) to the attempt it belongs to. Nothing is added to
 * the path of code that prints nothing.
 */
export function captureOutput(sink: OutputSink): void {
  process.stdout.write = writer(1, sink);
  process.stderr.write = writer(2, sink);
}

function writer(stream: 1 | 2, sink: OutputSink): Write {
  return (chunk: unknown, encoding?: unknown, callback?: unknown): boolean => {
    const bytes =
      typeof chunk === 'string'
        ? Buffer.from(chunk, typeof encoding === 'string' ? (encoding as BufferEncoding) : 'utf8')
        : new Uint8Array(chunk as Uint8Array);
    const attempt = attempts.getStore();
    sink(attempt === undefined || attempt.settled ? NO_SLOT : attempt.slot, stream, bytes);
    const done = typeof encoding === 'function' ? encoding : callback;
    if (typeof done === 'function') queueMicrotask(() => (done as Callback)());
    return true;
  };
}
