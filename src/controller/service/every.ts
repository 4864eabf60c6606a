import type { Logger } from '../../common/logger.ts';

/** Something done again and again, one run at a time. */
export interface Repeating {
  start(): void;
  /** Runs it soon instead of waiting for the interval; while it runs, once more afterwards. */
  wake(): void;
  /** Resolves when the run under way has ended. */
  stop(): Promise<void>;
}

/** A failed run is logged and does not end the series: what it did not do, the next run does. */
export function every(intervalMs: number, work: () => Promise<unknown>, logger: Logger): Repeating {
  let timer: NodeJS.Timeout | undefined;
  let running: Promise<void> | undefined;
  let wanted = false;
  let stopped = true;
  const schedule = (delayMs: number): void => {
    clearTimeout(timer);
    timer = setTimeout(run, delayMs);
    timer.unref();
  };
  const run = (): void => {
    wanted = false;
    running = Promise.resolve()
      .then(work)
      .then(
        () => undefined,
        (thrown: unknown) => logger.warn({ err: messageOf(thrown) }, 'a repeated run failed; the next one tries again'),
      )
      .finally(() => {
        running = undefined;
        if (!stopped) schedule(wanted ? 0 : intervalMs);
      });
  };
  return {
    start: () => {
      stopped = false;
      schedule(intervalMs);
    },
    wake: () => {
      if (stopped) return;
      wanted = true;
      if (running === undefined) schedule(0);
    },
    stop: async () => {
      stopped = true;
      clearTimeout(timer);
      await running;
    },
  };
}

const messageOf = (thrown: unknown): string => (thrown instanceof Error ? thrown.message : String(thrown));
