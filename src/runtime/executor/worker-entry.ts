/**
 * The code of an executor thread. Piscina calls the default export once; it returns when the executor closes the port.
 */
import { threadId } from 'node:worker_threads';
import { RuntimeError } from '../../common/errors.ts';
import { decode } from '../data/value-codec.ts';
import type { CoreElement } from '../model/core-element.ts';
import { useCodePaths } from '../program/code-paths.ts';
import { useProgramOf } from '../program/current.ts';
import { TaskProgram } from '../program/task-program.ts';
import { BatchReader, BatchWriter } from './batch.ts';
import { FROM_THREAD, type SlabMessage, type ThreadImplementation, type ThreadSetup, TO_THREAD } from './protocol.ts';
import { readRun } from './run-record.ts';
import { type Attempt, attempts } from './thread/attempt.ts';
import { captureOutput, NO_SLOT } from './thread/console-capture.ts';
import { bindPublicEntry, Modules } from './thread/modules.ts';
import { Outputs } from './thread/outputs.ts';
import { PortLink, type PortLinkParts } from './thread/port-link.ts';
import { RunLoop } from './thread/run-loop.ts';
import { Slabs } from './thread/slabs.ts';

export default function runThread(setup: ThreadSetup): Promise<void> {
  return new Thread(setup).run();
}

class Thread {
  readonly #setup: ThreadSetup;
  readonly #out = new BatchWriter();
  readonly #slabs: Slabs;
  readonly #loop: RunLoop;
  readonly #linkParts: PortLinkParts;
  #closed: () => void = () => undefined;

  constructor(setup: ThreadSetup) {
    this.#setup = setup;
    this.#slabs = new Slabs(setup);
    bindPublicEntry(setup.publicEntry);
    useCodePaths(setup.codePaths);
    this.#loop = new RunLoop({
      out: this.#out,
      flush: this.#flush,
      claims: new Int32Array(setup.claims),
      slabs: this.#slabs,
      modules: new Modules(setup.codePaths),
      outputs: new Outputs(this.#slabs),
      checkInputs: setup.checkInputs,
    });
    this.#linkParts = {
      out: this.#out,
      flush: this.#flush,
      flushLater: () => this.#scheduleFlush(),
      slabs: this.#slabs,
      elements: new Map<CoreElement, number>(),
      waiting: this.#loop.setWaiting,
    };
    useProgramOf(() => this.#programOf(attempts.getStore()));
  }

  /** The program of the running attempt. Code at the top of a module runs for no attempt. */
  #programOf(attempt: Attempt | undefined): TaskProgram {
    if (attempt === undefined) throw new RuntimeError('ERR_PROGRAM_NONE');
    if (attempt.program === undefined) {
      attempt.link = new PortLink(attempt, this.#linkParts);
      attempt.program = new TaskProgram(attempt.link, { regions: attempt.ownRegions });
    }
    return attempt.program;
  }

  run(): Promise<void> {
    captureOutput(this.#output);
    process.on('uncaughtException', this.#uncaught);
    process.on('unhandledRejection', this.#uncaught);
    const { port } = this.#setup;
    port.on('message', (message: ArrayBuffer | SlabMessage) => {
      if (message instanceof ArrayBuffer) this.#receive(message);
      else this.#slabs.add(message);
    });
    this.#out.word(FROM_THREAD.READY);
    this.#out.word(threadId);
    this.#flush();
    return new Promise((resolve) => {
      this.#closed = resolve;
    });
  }

  readonly #flush = (): void => {
    if (this.#out.empty) return;
    const batch = this.#out.take();
    this.#setup.port.postMessage(batch, [batch]);
  };

  #receive(buffer: ArrayBuffer): void {
    const batch = new BatchReader(buffer);
    while (!batch.done) this.#record(batch, batch.word());
    this.#loop.pump();
  }

  #record(batch: BatchReader, kind: number): void {
    switch (kind) {
      case TO_THREAD.IMPLEMENTATION:
        this.#loop.addImplementation(batch.word(), decode(batch.view(), { copy: true }) as ThreadImplementation);
        break;
      case TO_THREAD.RUN:
        this.#loop.push(readRun(batch));
        break;
      case TO_THREAD.ABORT: {
        const attempt = this.#loop.get(batch.word());
        const reason = batch.text();
        attempt?.abort(new RuntimeError('ERR_TASK_CANCELLED', { task: '', signature: attempt.signature, reason }));
        break;
      }
      case TO_THREAD.WAIT_DONE: {
        const link = this.#loop.get(batch.word())?.link;
        if (link === undefined) PortLink.skip(batch);
        else link.receive(batch);
        break;
      }
      case TO_THREAD.CLOSE:
        this.#close();
        break;
      default:
        throw new Error(`record ${kind} means nothing`);
    }
  }

  #close(): void {
    this.#flush();
    process.off('uncaughtException', this.#uncaught);
    process.off('unhandledRejection', this.#uncaught);
    this.#setup.port.close();
    this.#setup.syncPort.close();
    this.#closed();
  }

  readonly #output = (slot: number, stream: 1 | 2, bytes: Uint8Array): void => {
    this.#out.word(slot === NO_SLOT ? FROM_THREAD.STRAY_OUTPUT : FROM_THREAD.OUTPUT);
    if (slot !== NO_SLOT) this.#out.word(slot);
    this.#out.word(stream);
    this.#out.bytes(bytes);
    this.#scheduleFlush();
  };

  #flushScheduled = false;
  #scheduleFlush(): void {
    if (this.#flushScheduled) return;
    this.#flushScheduled = true;
    setImmediate(() => {
      this.#flushScheduled = false;
      this.#flush();
    });
  }

  /** An error that nobody caught ends the attempt it belongs to; after that attempt it is only reported. */
  readonly #uncaught = (error: unknown): void => {
    const attempt = attempts.getStore();
    if (attempt !== undefined && !attempt.settled) {
      this.#loop.fail(attempt, error);
      return;
    }
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
    this.#output(NO_SLOT, 2, Buffer.from(`Uncaught after its task had ended: ${text}\n`));
  };
}
