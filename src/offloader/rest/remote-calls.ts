import type { ApplicationId, EndApplication } from '../../contracts/agent/model.ts';

/** Takes the end of a call in; ends when the caller needs nothing of the callee any more. */
export type EndListener = (end: EndApplication) => Promise<void>;

/** A call that is being made: its id is not known yet. */
export interface Submission {
  /** The callee gave it this id. An end that came before the id did is delivered now. */
  accepted(id: ApplicationId, listener: EndListener): void;
  /** There will be no id. */
  refused(): void;
}

/** Ended calls whose ends may be told again. */
const REMEMBERED = 10_000;

interface Early {
  readonly end: EndApplication;
  readonly decide: (known: boolean | Promise<boolean>) => void;
}

/**
 * Calls made over REST by the ids that the callees gave them. The end of a call may come before the answer that holds
 * its id: it then waits for the answers that are due. An end that is told again is taken once.
 */
export class RemoteCalls {
  readonly #listeners = new Map<ApplicationId, EndListener>();
  /** Being taken in, or taken in: whoever tells it again waits for the same. */
  readonly #ended = new Map<ApplicationId, Promise<boolean>>();
  readonly #early = new Map<ApplicationId, Early[]>();
  #submitting = 0;

  /** Calls that wait for their end. */
  get open(): number {
    return this.#listeners.size;
  }

  submit(): Submission {
    this.#submitting += 1;
    let open = true;
    const close = (): void => {
      if (!open) return;
      open = false;
      this.#submitting -= 1;
      if (this.#submitting === 0) this.#dismissEarly();
    };
    return {
      accepted: (id, listener) => {
        this.#listeners.set(id, listener);
        const early = this.#early.get(id) ?? [];
        this.#early.delete(id);
        for (const { end, decide } of early) decide(this.end(end));
        close();
      },
      refused: close,
    };
  }

  /** Nobody waits for this call any more: its end is answered as one that was taken in, and ignored. */
  abandon(id: ApplicationId): void {
    if (this.#listeners.delete(id)) void this.#remember(id, Promise.resolve(true));
  }

  /** False: no call has this id. */
  end(end: EndApplication): Promise<boolean> {
    const { jobId } = end;
    const listener = this.#listeners.get(jobId);
    if (listener !== undefined) {
      this.#listeners.delete(jobId);
      return this.#remember(
        jobId,
        listener(end).then(() => true),
      );
    }
    const known = this.#ended.get(jobId);
    if (known !== undefined) return known;
    if (this.#submitting === 0 || this.#early.size >= REMEMBERED) return Promise.resolve(false);
    return new Promise((decide) => {
      const early = this.#early.get(jobId);
      if (early === undefined) this.#early.set(jobId, [{ end, decide }]);
      else early.push({ end, decide });
    });
  }

  #remember(id: ApplicationId, taken: Promise<boolean>): Promise<boolean> {
    this.#ended.set(id, taken);
    if (this.#ended.size > REMEMBERED) this.#ended.delete(this.#ended.keys().next().value as ApplicationId);
    return taken;
  }

  /** Every id that was due is known: these belong to nobody. */
  #dismissEarly(): void {
    const all = [...this.#early.values()].flat();
    this.#early.clear();
    for (const { decide } of all) decide(false);
  }
}
