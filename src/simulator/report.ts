/** What came out of a simulation. Times are virtual milliseconds unless they say otherwise. */
export interface SimulationReport {
  readonly program: string;
  readonly policy: string;
  readonly tasks: number;
  readonly nodes: number;
  readonly slots: number;
  readonly makespanMs: number;
  /** No schedule can be shorter: the longest path, or all work spread over all slots. */
  readonly boundMs: number;
  readonly criticalPathMs: number;
  /** Slot time in which user code ran, of all slot time. */
  readonly utilisation: number;
  readonly bytesMoved: number;
  readonly transfers: number;
  readonly completed: number;
  readonly failed: number;
  /** Attempts that were lost with a node; tasks that ran again for their lost data. */
  readonly rerun: number;
  readonly recomputed: number;
  readonly attempts: number;
  readonly steps: number;
  readonly events: number;
  readonly effects: number;
  /** Wall time: spent in the core, and in all. */
  readonly coreMs: number;
  readonly wallMs: number;
  /** Processor time of all of it, the model included. */
  readonly cpuMs: number;
  /** For each second of processor time, so that it does not tell how busy the machine is otherwise. */
  readonly eventsPerSecond: number;
  /** Placements for each second that the core took. */
  readonly decisionsPerSecond: number;
}
