/** Kinds as in COMPSs (spec 1.4). */
export const PROCESSOR_TYPES = ['CPU', 'GPU', 'FPGA', 'OTHER'] as const;
export type ProcessorType = (typeof PROCESSOR_TYPES)[number];

/** In COMPSs's descriptions -1 and '[unassigned]' mean "not given"; here an absent field does. */
export interface Processor {
  readonly name: string;
  readonly type: ProcessorType;
  readonly units: number;
  readonly architecture?: string;
  /** GHz. */
  readonly speed?: number;
  /** GB. */
  readonly internalMemoryGb?: number;
  readonly properties?: Readonly<Record<string, string>>;
}

/** What a node has. Sizes in GB (as COMPSs), bandwidth in MB/s, price per hour, power in watts. */
export interface ResourceDescription {
  readonly name: string;
  /** Adaptor scheme: 'local', 'grpc-agent', 'grpc-worker', 'rest', 'ssh'. */
  readonly scheme: string;
  readonly processors: readonly Processor[];
  readonly memoryGb?: number;
  readonly memoryType?: string;
  readonly storageGb?: number;
  readonly storageType?: string;
  readonly storageBandwidth?: number;
  readonly operatingSystem?: { readonly type?: string; readonly distribution?: string; readonly version?: string };
  readonly software?: readonly string[];
  readonly hostQueues?: readonly string[];
  readonly wallClockLimitMinutes?: number;
  readonly pricePerHour?: number;
  readonly idlePowerWatts?: number;
  /** Most invocations at once, whatever the processors; absent: no limit. */
  readonly limitOfTasks?: number;
  /** Languages this node can run ('JS', 'PYTHON', 'BINARY', …); absent: any. */
  readonly languages?: readonly string[];
  /** Whether tasks that run there may submit tasks of their own. */
  readonly nestedTasks?: boolean;
}

/** What an implementation needs. An unassigned value on either side matches (COMPSs, spec 5.4). */
export interface Constraints {
  /** Default: one CPU unit. Several types at once may be asked for. */
  readonly processors?: readonly (Partial<Omit<Processor, 'units'>> & { readonly units: number })[];
  readonly memoryGb?: number;
  readonly memoryType?: string;
  readonly storageGb?: number;
  readonly storageType?: string;
  readonly storageBandwidth?: number;
  readonly operatingSystem?: { readonly type?: string; readonly distribution?: string; readonly version?: string };
  /** Compared case-insensitively; a subset test. */
  readonly software?: readonly string[];
  readonly hostQueues?: readonly string[];
  readonly wallClockLimitMinutes?: number;
  /** Only on the agent itself. */
  readonly isLocal?: boolean;
  /** Only on the named nodes. */
  readonly nodes?: readonly string[];
}
