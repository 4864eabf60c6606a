/**
 * What the bodies of the agent's REST interface say, whatever dialect they came in (COMPSs's XML or the JSON of the
 * deliverable's annex 6.1.4). Markers for "not given" (-1, -1.0, `[unassigned]`) have become absent fields.
 */
import type { Brand } from '../../common/brand.ts';
import type { ErrorInfo } from '../../common/errors.ts';

/** A signed 64-bit decimal, possibly negative: never a JS number. */
export type ApplicationId = Brand<string, 'ApplicationId'>;

/** The order is the ordinal on COMPSs's piped protocols. */
export const DATA_TYPES = [
  'BOOLEAN_T',
  'CHAR_T',
  'BYTE_T',
  'SHORT_T',
  'INT_T',
  'LONG_T',
  'FLOAT_T',
  'DOUBLE_T',
  'STRING_T',
  'STRING_64_T',
  'FILE_T',
  'OBJECT_T',
  'PSCO_T',
  'EXTERNAL_PSCO_T',
  'BINDING_OBJECT_T',
  'WCHAR_T',
  'WSTRING_T',
  'LONGLONG_T',
  'VOID_T',
  'ANY_T',
  'ARRAY_CHAR_T',
  'ARRAY_BYTE_T',
  'ARRAY_SHORT_T',
  'ARRAY_INT_T',
  'ARRAY_LONG_T',
  'ARRAY_FLOAT_T',
  'ARRAY_DOUBLE_T',
  'COLLECTION_T',
  'DICT_COLLECTION_T',
  'STREAM_T',
  'EXTERNAL_STREAM_T',
  'ENUM_T',
  'NULL_T',
  'DIRECTORY_T',
] as const;
export type DataType = (typeof DATA_TYPES)[number];

export const PARAMETER_DIRECTIONS = ['IN', 'OUT', 'INOUT', 'CONCURRENT', 'COMMUTATIVE', 'IN_DELETE'] as const;
export type ParameterDirection = (typeof PARAMETER_DIRECTIONS)[number];

export const STD_IO_STREAMS = ['STDIN', 'STDOUT', 'STDERR', 'UNSPECIFIED'] as const;
export type StdIoStream = (typeof STD_IO_STREAMS)[number];

/** Languages of COMPSs, then ours. NODE and TS arrive as JS. */
export const APPLICATION_LANGUAGES = ['JAVA', 'C', 'PYTHON', 'UNKNOWN', 'JS', 'BINARY', 'CONTAINER'] as const;
export type ApplicationLanguage = (typeof APPLICATION_LANGUAGES)[number];

export const PROCESSOR_KINDS = ['CPU', 'GPU', 'FPGA', 'OTHER'] as const;
export type ProcessorKind = (typeof PROCESSOR_KINDS)[number];

export const JOB_END_STATUSES = [
  'OK',
  'TO_RESCHEDULE',
  'TRANSFERS_FAILED',
  'SUBMISSION_FAILED',
  'EXECUTION_FAILED',
  'EXCEPTION',
] as const;
export type JobEndStatus = (typeof JOB_END_STATUSES)[number];

/** xs:long beyond 2^53 arrives as bigint; everything else as JSON has it. */
export type PlainValue =
  | string
  | number
  | bigint
  | boolean
  | null
  | readonly PlainValue[]
  | { readonly [key: string]: PlainValue };

/** A value with the Java class it came with, where it came with one. */
export type ParameterValue =
  | { readonly form: 'element'; readonly className?: string; readonly value: PlainValue }
  | { readonly form: 'array'; readonly componentClassName?: string; readonly values: readonly ParameterValue[] };

export interface Parameter {
  /** Position in the invocation: document order, whatever the attribute said. */
  readonly index: number;
  readonly name?: string;
  readonly direction: ParameterDirection;
  readonly type: DataType;
  readonly stream: StdIoStream;
  readonly prefix?: string;
  readonly contentType?: string;
  readonly weight?: number;
  readonly keepRename?: boolean;
  readonly value?: ParameterValue;
}

/** Prolog or epilog of a call. */
export interface ExecHook {
  readonly binary: string;
  readonly params?: string;
  readonly failByExitValue: boolean;
}

/** Whom to tell about the end of an application. The method is always PUT (COMPSs ignores the one given). */
export interface Orchestrator {
  readonly host: string;
  readonly operation: string;
}

/** What to do at the end of an application. Only 'stop' is known. */
export interface EndAction {
  readonly name: string;
  /** Base URLs of the agents to stop too. */
  readonly forwardTo: readonly string[];
}

export interface StartApplication {
  readonly language: ApplicationLanguage;
  /** Java class, Python or JS module, program (BINARY). */
  readonly className: string;
  /** Empty only for BINARY and CONTAINER. */
  readonly methodName: string;
  readonly ceiClass?: string;
  readonly serviceInstanceId?: string;
  /** The caller wants the value that the function returns. */
  readonly hasResult: boolean;
  readonly target?: Parameter;
  readonly parameters: readonly Parameter[];
  readonly results: readonly Parameter[];
  readonly prolog?: ExecHook;
  readonly epilog?: ExecHook;
  readonly action?: EndAction;
  readonly orchestrator?: Orchestrator;
  /** JSON only: language-specific settings (CONTAINER: image, engine; BINARY: args template, workingDir). */
  readonly settings?: Readonly<Record<string, PlainValue>>;
  /** JSON only: what the main function needs; default one CPU unit. */
  readonly constraints?: NodeDescription;
  /** JSON only: milliseconds until the main function is killed. */
  readonly timeOutMs?: number;
  /** JSON only, between our own agents: the call is an attempt of a task of the caller; replaces the parameters. */
  readonly task?: TaskCall;
}

export interface ProcessorDescription {
  readonly name: string;
  readonly type: ProcessorKind;
  readonly units: number;
  readonly architecture?: string;
  readonly speed?: number;
  readonly internalMemoryGb?: number;
  readonly properties?: Readonly<Record<string, string>>;
}

/** Field for field what `ResourceDescription` of the runtime has, without name and scheme. */
export interface NodeDescription {
  readonly processors: readonly ProcessorDescription[];
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
}

/** `addResources`: a new node, or more of a known one. */
export interface NewResource {
  readonly name: string;
  /** Scheme or COMPSs class name; absent only when the name is known already. */
  readonly adaptor?: string;
  readonly description: NodeDescription;
  /** How the node is set up / reached: `Property{Name,Value}`, first one of a name wins. */
  readonly projectProperties: Readonly<Record<string, string>>;
  readonly resourceProperties: Readonly<Record<string, string>>;
}

/** `removeResources` and `removeResource`. */
export interface ReduceResource {
  readonly name: string;
  readonly description: NodeDescription;
}

/** Milliseconds since the epoch, as COMPSs's profile has them. */
export interface EndProfile {
  readonly taskSubmitted?: number;
  readonly executionStart?: number;
  readonly executionEnd?: number;
  readonly taskEnd?: number;
}

/** `endApplication`: an agent that we called tells how the call ended. */
export interface EndApplication {
  /** The id that the called agent gave at `startApplication`. */
  readonly jobId: ApplicationId;
  readonly endStatus: JobEndStatus;
  readonly profile?: EndProfile;
  /** Locations of each parameter, target and result, in that order. */
  readonly results: readonly (readonly string[])[];
  /** JSON only, between our own agents. */
  readonly error?: ErrorInfo;
  readonly values?: readonly PlainValue[];
  /** Of a `TaskCall`: written accesses, then returns. Held for the caller until it has answered. */
  readonly outputs?: readonly TaskContent[];
  readonly cancelled?: boolean;
  /** Milliseconds of the user's code. */
  readonly ranMs?: number;
}

/** A place that a version can be pulled from; the fields of the runtime's `DataSource`. */
export interface TaskSource {
  readonly node: string;
  readonly host: string;
  readonly port: number;
  readonly key: string;
  readonly ticket: string;
  readonly path?: string;
}

/** A value in the runtime's encoding, or where it can be pulled from. */
export type TaskContent =
  | { readonly inline: Uint8Array }
  | { readonly key: string; readonly bytes: number; readonly sources: readonly TaskSource[] };

export interface TaskAccess {
  /** Accesses of one datum have one number, dense from 0. */
  readonly datum: number;
  readonly direction: ParameterDirection;
  readonly kind: 'value' | 'file' | 'directory';
  readonly name?: string;
  readonly keepRename?: boolean;
  readonly weight?: number;
}

/** What COMPSs's dialect cannot say of a call, as the runtime has it. */
export interface TaskCall {
  readonly signature: string;
  /** Node name that tickets for the outputs are made for. */
  readonly caller: string;
  /** In the runtime's encoding. */
  readonly args?: Uint8Array;
  readonly accesses: readonly TaskAccess[];
  /** By datum; absent where nothing is read. */
  readonly inputs: readonly (TaskContent | undefined)[];
  readonly returns: number;
  /** Stable key of the task. */
  readonly key?: string;
  readonly constraints?: TaskConstraints;
}

/** What the task needs; the fields of the runtime's `Constraints` that do not name nodes. */
export interface TaskConstraints extends Omit<NodeDescription, 'processors' | 'pricePerHour'> {
  readonly processors?: readonly (Partial<Omit<ProcessorDescription, 'units'>> & { readonly units: number })[];
}
