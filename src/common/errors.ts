/**
 * The one table of error codes. `docs/reference/errors.md` is generated from it.
 *
 * `status` is the HTTP status a REST caller gets; `retryable` says whether the same request may succeed later
 * without a change; `message` is a template whose `{names}` are filled from `details`.
 */
export const ERRORS = {
  ERR_INTERNAL: {
    status: 500,
    retryable: false,
    message: 'Internal error: {reason}. This is a bug; please report it.',
  },
  ERR_INVALID_TRANSITION: {
    status: 500,
    retryable: false,
    message: 'Task {task} cannot go from {from} to {to}. Story: {story}',
  },
  ERR_CONFIG_INVALID: { status: 400, retryable: false, message: 'Configuration {key} is invalid: {reason}' },
  ERR_AUTH_REQUIRED: {
    status: 401,
    retryable: false,
    message: 'No credential: send Authorization: Bearer <access token>, or api_key: <refresh token>',
  },
  ERR_AUTH_INVALID: { status: 401, retryable: false, message: 'The credential in {field} is not valid: {reason}' },
  ERR_AUTH_EXPIRED: { status: 401, retryable: false, message: 'The token in {field} has expired; log in again' },
  ERR_AUTH_UNAVAILABLE: {
    status: 503,
    retryable: true,
    message: 'The identity provider {issuer} does not answer: {reason}',
  },
  ERR_FORBIDDEN: {
    status: 403,
    retryable: false,
    message: '{username} may not do this: {permission} needs one of the roles {roles}',
  },
  ERR_ADDRESS_TAKEN: {
    status: 409,
    retryable: false,
    message: 'Address {address} was registered by somebody else, whose lease still runs',
  },
  ERR_CLUSTER_RESOURCE_UNKNOWN: { status: 404, retryable: false, message: 'No cluster or node has the id {resource}' },
  ERR_CONTROLLER_UNKNOWN: { status: 404, retryable: false, message: 'No controller is registered at {address}' },
  ERR_DATABASE_UNAVAILABLE: { status: 503, retryable: true, message: 'The database does not answer: {reason}' },
  ERR_DESCRIPTOR_INVALID: { status: 422, retryable: false, message: 'Application descriptor: {field} {reason}' },
  ERR_DESCRIPTOR_TOO_LARGE: {
    status: 413,
    retryable: false,
    message: 'Application descriptor: {bytes} bytes are more than the limit of {limit}',
  },
  ERR_DOMAIN_UNCLAIMED: { status: 404, retryable: false, message: 'Domain {domain} has no controller' },
  ERR_GROUP_NOT_STOPPED: {
    status: 409,
    retryable: false,
    message: 'Job group {group} cannot be deleted: job {job} is {action}, {state}; stop the deployment first',
  },
  ERR_GROUP_UNKNOWN: { status: 404, retryable: false, message: 'Job group {group} is not known' },
  ERR_IDEMPOTENCY_MISMATCH: {
    status: 422,
    retryable: false,
    message: 'The idempotency key {key} was used for another request',
  },
  ERR_JOB_CONFLICT: {
    status: 409,
    retryable: false,
    message: 'Job {job} cannot be {event}: it is {action}, {state}, {owner}',
  },
  ERR_JOB_CONTENDED: { status: 503, retryable: true, message: 'Too many write to {job} at once; try again' },
  ERR_JOB_UNKNOWN: { status: 404, retryable: false, message: 'Job {job} is not known' },
  ERR_PEER_ANSWER: { status: 502, retryable: true, message: '{service} gave an answer that is none: {reason}' },
  ERR_PEER_UNAVAILABLE: { status: 503, retryable: true, message: '{service} does not answer: {reason}' },
  ERR_NODE_TAKEN: {
    status: 409,
    retryable: false,
    message: 'Node {node} was announced by somebody else, whose lease has not ended',
  },
  ERR_REQUEST_INVALID: { status: 400, retryable: false, message: 'Field {field} is invalid: {reason}' },
  ERR_REQUEST_MALFORMED: { status: 400, retryable: false, message: 'The body is not well-formed {format}: {reason}' },
  ERR_REQUEST_LIMIT: { status: 400, retryable: false, message: 'The body has more {what} than the limit of {limit}' },
  ERR_REQUEST_TOO_LARGE: {
    status: 413,
    retryable: false,
    message: 'The body is larger than the limit of {limit} bytes',
  },
  ERR_XML_DTD_REFUSED: {
    status: 400,
    retryable: false,
    message: 'The body has a DTD or an entity declaration; these are refused',
  },
  ERR_LANGUAGE_UNSUPPORTED: { status: 406, retryable: false, message: 'Unsupported language.' },
  ERR_ADAPTOR_UNKNOWN: { status: 400, retryable: false, message: 'Adaptor {adaptor} is not known. Known: {known}' },
  ERR_APPLICATION_UNKNOWN: { status: 404, retryable: false, message: 'Application {application} is not known here' },
  ERR_APPLICATION_RUNNING: {
    status: 409,
    retryable: true,
    message: 'Application {application} is {status}; its result is there when it has completed',
  },
  ERR_APPLICATION_NOT_COMPLETED: {
    status: 409,
    retryable: false,
    message: 'Application {application} has no result: it is {status}. {reason}',
  },
  ERR_RESULT_TOO_LARGE: {
    status: 413,
    retryable: false,
    message: 'The result has more than {limit} items; ask for its bytes with ?format=raw&index=N',
  },
  ERR_RESULT_NOT_RAW: {
    status: 406,
    retryable: false,
    message: 'Result {index} of application {application} has no raw form: it is neither a buffer nor a typed array',
  },
  ERR_CALL_REFUSED: { status: 502, retryable: false, message: 'Node {node} refuses the call ({status}): {reason}' },
  ERR_CALL_UNSUPPORTED: {
    status: 400,
    retryable: false,
    message: 'COMPSs agents cannot be given argument {position} of {signature}: {reason}',
  },
  ERR_CALL_UNKNOWN: { status: 404, retryable: false, message: 'No call with job id {jobId} is waiting here' },
  ERR_TASK_UNKNOWN: { status: 404, retryable: false, message: 'Task {task} is not known in application {application}' },
  ERR_PATH_OUTSIDE: {
    status: 403,
    retryable: false,
    message: 'Field {field} is refused: {path} lies outside the directories of this agent',
  },
  ERR_UNAUTHENTICATED: { status: 401, retryable: false, message: 'A valid bearer token is needed' },
  ERR_CERTIFICATE_MISSING: {
    status: 401,
    retryable: false,
    message: 'A certificate of the authority of this agent is needed (--ca, --cert and --key of the command line)',
  },
  ERR_CERTIFICATE_REFUSED: {
    status: 401,
    retryable: false,
    message: 'The certificate of {name} is refused: {reason}',
  },
  ERR_ROLE_MISSING: { status: 403, retryable: false, message: '{name} has the role {has}; this needs {needs}' },
  ERR_HOST_REFUSED: {
    status: 403,
    retryable: false,
    message: 'Host {host} is not a name of this agent; allow it with --allowed-host',
  },
  ERR_ROUTE_UNKNOWN: { status: 404, retryable: false, message: 'There is nothing at {method} {path}' },
  ERR_METHOD_NOT_ALLOWED: { status: 405, retryable: false, message: '{path} takes {allowed}, not {method}' },
  ERR_MEDIA_TYPE_UNSUPPORTED: {
    status: 415,
    retryable: false,
    message: 'Content-Type {type} is not read here; send application/xml or application/json',
  },
  ERR_NOT_ACCEPTABLE: { status: 406, retryable: false, message: 'None of {accept} can be made; there is {available}' },
  ERR_RATE_LIMITED: { status: 429, retryable: true, message: 'More than {limit} requests in {windowMs} ms' },
  ERR_SHUTTING_DOWN: { status: 503, retryable: true, message: 'This agent is shutting down' },
  ERR_TASK_FAILED: { status: 500, retryable: false, message: 'Task {task} ({signature}) failed on {node}: {reason}' },
  ERR_TASK_CANCELLED: { status: 409, retryable: false, message: 'Task {task} ({signature}) was cancelled: {reason}' },
  ERR_TASK_TIMED_OUT: {
    status: 500,
    retryable: false,
    message: 'Task {task} ({signature}) ran longer than its timeOut of {timeOutMs} ms on {node}',
  },
  ERR_TASK_LOST: {
    status: 503,
    retryable: true,
    message: 'Task {task} ({signature}) was lost {losses} times; last on {node}: {reason}',
  },
  ERR_DATA_LOST: {
    status: 503,
    retryable: false,
    message: 'Version {version} was lost with {node} and cannot be recomputed: {reason}',
  },
  ERR_DATA_UNWRITTEN: { status: 422, retryable: false, message: 'Datum {datum} has never been written' },
  ERR_PREDECESSOR_FAILED: {
    status: 500,
    retryable: false,
    message: 'Task {task} ({signature}) cannot run: {origin} failed, which it depends on: {reason}',
  },
  ERR_CORE_UNKNOWN: { status: 404, retryable: false, message: 'Core element {core} is not registered' },
  ERR_DATA_DELETED: { status: 410, retryable: false, message: 'Datum {datum} was deleted and cannot be read again' },
  ERR_FRAME_INVALID: { status: 400, retryable: false, message: 'A frame of the link is invalid: {reason}' },
  ERR_DATA_UNREADABLE: {
    status: 500,
    retryable: false,
    message: 'Version {version} is held here but cannot be read: {reason}',
  },
  ERR_LINK_UNREACHABLE: {
    status: 502,
    retryable: true,
    message: 'Agent {name} at {address} cannot be reached: {reason}',
  },
  ERR_LINK_REFUSED: { status: 502, retryable: false, message: 'Agent {name} at {address} refuses the link: {reason}' },
  ERR_LINK_SUPERSEDED: { status: 409, retryable: false, message: 'A newer link of {name} has replaced this one' },
  ERR_LINK_PROTOCOL: {
    status: 400,
    retryable: false,
    message: 'The peer speaks version {found} of the link protocol, this agent {expected}',
  },
  ERR_SSH_AUTH: { status: 502, retryable: false, message: 'Host {host} does not let {user} in: {reason}' },
  ERR_SSH_BUNDLE: {
    status: 500,
    retryable: false,
    message: 'There is no worker bundle to send to host {host}: {reason}',
  },
  ERR_SSH_HOST_KEY: {
    status: 502,
    retryable: false,
    message: 'Host {host} shows the key {key}, which is not trusted by {file}: {reason}',
  },
  ERR_SSH_NODE_MISSING: {
    status: 502,
    retryable: false,
    message: 'Host {host} has no Node.js {wanted} or newer. Looked for: {looked}. Found: {found}',
  },
  ERR_SSH_STAGING: { status: 502, retryable: true, message: 'Copying {file} to host {host} failed: {reason}' },
  ERR_SSH_WORKER: { status: 502, retryable: true, message: 'The worker on host {host} did not start: {reason}' },
  ERR_PORT_UNAVAILABLE: { status: 500, retryable: false, message: 'Cannot listen on {address}: {reason}' },
  ERR_INPUT_FILE_INVALID: { status: 400, retryable: false, message: '{file}: {reason}' },
  ERR_INPUT_FILE_MISSING: { status: 404, retryable: false, message: '{file}: no such file' },
  ERR_INPUT_MODIFIED: {
    status: 500,
    retryable: false,
    message: 'Task {task} ({signature}) wrote to its IN parameter {parameter}; declare it INOUT',
  },
  ERR_REPLAY_DIVERGED: {
    status: 500,
    retryable: false,
    message: 'Re-execution of {parent} submitted {found} at index {index} where {expected} ran before; running it anew',
  },
  ERR_VALUE_CLASS_CONFLICT: {
    status: 500,
    retryable: false,
    message: 'Class name {name} is empty or already taken by another class; give serializable() a name of its own',
  },
  ERR_VALUE_CLASS_UNKNOWN: {
    status: 500,
    retryable: false,
    message: 'A value holds an instance of {name}, and no module loaded here called serializable() for that class',
  },
  ERR_VALUE_MALFORMED: { status: 400, retryable: false, message: 'The bytes are not an encoded value: {reason}' },
  ERR_VALUE_UNSERIALIZABLE: {
    status: 400,
    retryable: false,
    message: '{path} cannot be sent to another thread or node: it is {what}',
  },
  ERR_NESTING_UNSUPPORTED: {
    status: 400,
    retryable: false,
    message: 'A task on {node} cannot submit tasks: that node is a worker; run it on an agent',
  },
  ERR_NODE_UNREACHABLE: {
    status: 503,
    retryable: true,
    message: 'Node {node} cannot be reached: {reason}',
  },
  ERR_OUTPUT_MISSING: {
    status: 500,
    retryable: false,
    message: 'The task wrote no {kind} {path}, which it declares as an output',
  },
  ERR_RETURN_COUNT: {
    status: 500,
    retryable: false,
    message: 'The function returned {found} values, its task declares {returns}',
  },
  ERR_FUNCTION_UNKNOWN: {
    status: 404,
    retryable: false,
    message:
      'Module {file} exports no function {method} and declares no task of that name at its top level. It exports {known}',
  },
  ERR_MODULE_FAILED: {
    status: 500,
    retryable: false,
    message: 'Module {module} ({file}) could not be loaded: {reason}',
  },
  ERR_MODULE_UNKNOWN: {
    status: 404,
    retryable: false,
    message: 'Module {module} is in none of the code paths: {codePaths}',
  },
  ERR_MODULE_OUTSIDE_CODE_PATH: {
    status: 403,
    retryable: false,
    message: 'Module {module} lies outside the code paths: {codePaths}',
  },
  ERR_CONTAINER_ENGINE: {
    status: 503,
    retryable: true,
    message: '{engine} could not start a container of image {image}: {reason}',
  },
  ERR_CONTAINER_UNAVAILABLE: {
    status: 406,
    retryable: false,
    message:
      'Containers need {engine}, which is not on the path of this agent; install it, or name another in settings.engine',
  },
  ERR_PROGRAM_FAILED: { status: 500, retryable: false, message: 'Program {program} {end}. {reason}' },
  ERR_PROGRAM_SETTINGS: { status: 400, retryable: false, message: 'Program {program}: {key} is invalid: {reason}' },
  ERR_PROGRAM_UNKNOWN: {
    status: 404,
    retryable: false,
    message: 'There is no executable program {program} on the path or in the application directories: {directories}',
  },
  ERR_FUTURE_FOREIGN: {
    status: 500,
    retryable: false,
    message: 'A future can be used only in the program or task whose call returned it',
  },
  ERR_TASK_EXCEPTION: { status: 500, retryable: false, message: 'A task of the group threw: {reason}' },
  ERR_TASK_ENDED: {
    status: 409,
    retryable: false,
    message: 'The task has ended: it can submit and wait for nothing any more',
  },
  ERR_TASK_UNNAMED: {
    status: 500,
    retryable: false,
    message: 'A task needs a name: give the function one, or the option name',
  },
  ERR_FUTURE_EMPTY: {
    status: 400,
    retryable: false,
    message: 'Task {task} returns nothing, so its future cannot be an argument',
  },
  ERR_PARAMETER_INVALID: { status: 400, retryable: false, message: 'Argument {position} of {task}: {reason}' },
  ERR_TASK_DECLARATION_INVALID: { status: 400, retryable: false, message: 'Task {task}: {field} is invalid: {reason}' },
  ERR_TASK_MODULE_UNKNOWN: {
    status: 400,
    retryable: false,
    message: 'Task {task} is declared in {file}, outside the code paths, so no other thread or node can find it',
  },
  ERR_PROGRAM_NONE: {
    status: 409,
    retryable: false,
    message:
      'Tasks were called while a module was being loaded in an executor thread. Call them in a function, or below `if (import.meta.main)`',
  },
  ERR_TASK_NAME_CONFLICT: {
    status: 500,
    retryable: false,
    message: 'Two tasks are called {signature}; give one of them another name',
  },
  ERR_DATA_PORT: { status: 500, retryable: false, message: 'The data port cannot listen on {host}:{port}: {reason}' },
  ERR_DATA_PORT_BUSY: {
    status: 503,
    retryable: true,
    message: '{reader} has {limit} pulls going already; try again when one has ended',
  },
  ERR_DATA_MISSING: { status: 404, retryable: false, message: '{key} is not held here' },
  ERR_DISK_FAILED: { status: 507, retryable: true, message: 'Cannot write {bytes} bytes to {path}: {reason}' },
  ERR_TRANSFER_CANCELLED: {
    status: 409,
    retryable: false,
    message: 'The transfer of version {version} was cancelled: {reason}',
  },
  ERR_TRANSFER_FAILED: {
    status: 502,
    retryable: true,
    message: 'Version {version} could not be fetched from any of its holders; the last said: {reason}',
  },
  ERR_TICKET_REFUSED: { status: 403, retryable: false, message: 'The ticket of {reader} is refused: {reason}' },
  ERR_PYTHON_UNAVAILABLE: {
    status: 500,
    retryable: false,
    message: 'Node {node} cannot run Python: {reason}',
  },
  ERR_RESOURCE_UNKNOWN: {
    status: 404,
    retryable: false,
    message: 'Resource {name} is not known to this agent. Known: {known}',
  },
  ERR_SIMULATION_STALLED: {
    status: 422,
    retryable: false,
    message: 'The simulation stands still: {ended} of {submitted} tasks have ended, and nothing is to come: {reason}',
  },
  ERR_STORE_FULL: {
    status: 507,
    retryable: true,
    message:
      'The object store has no room for {bytes} bytes: {reason}. Limit {limitBytes} bytes, {pinnedBytes} pinned by tasks and transfers, {spilledBytes} on the spill disk. Raise the limit, give it a spill directory with more room, or run fewer tasks at once',
  },
  ERR_UNSCHEDULABLE: {
    status: 409,
    retryable: true,
    message: 'Task {task} ({signature}) waits: no resource satisfies {constraints}. {reasons}',
  },
} as const satisfies Record<string, { readonly status: number; readonly retryable: boolean; readonly message: string }>;

export type ErrorCode = keyof typeof ERRORS;

export interface ErrorDetails {
  readonly [name: string]: string | number | boolean | undefined;
}

/** An error as data: what crosses threads, the wire and the journal. */
export interface ErrorInfo {
  readonly code: string;
  readonly message: string;
  readonly stack?: string;
  /** The user's own error class, when there is one ('TypeError', 'ValueError'). */
  readonly name?: string;
  readonly details?: ErrorDetails;
  readonly cause?: ErrorInfo;
}

/**
 * The one error class. Recognise it by `code`, never by `instanceof` across threads or the wire.
 */
export class RuntimeError extends Error {
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    super(fillTemplate(ERRORS[code].message, details), options);
    this.name = 'RuntimeError';
    this.code = code;
    this.details = details;
  }

  get retryable(): boolean {
    return ERRORS[this.code].retryable;
  }

  get status(): number {
    return ERRORS[this.code].status;
  }
}

function fillTemplate(template: string, details: ErrorDetails): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => String(details[name] ?? '?'));
}

/** Codes that programs raise: they stand in the table for whoever looks them up, and their errors stay the program's. */
const OF_PROGRAMS: ReadonlySet<string> = new Set<ErrorCode>(['ERR_INPUT_FILE_INVALID', 'ERR_INPUT_FILE_MISSING']);

/** Whether an error with this code comes from the runtime, and not from a program. */
export const isRuntimeCode = (code: string): code is ErrorCode => Object.hasOwn(ERRORS, code) && !OF_PROGRAMS.has(code);

/** Any thrown thing as data. Own codes are kept; foreign errors get `fallback`. */
export function toErrorInfo(thrown: unknown, fallback: ErrorCode = 'ERR_INTERNAL'): ErrorInfo {
  if (thrown instanceof Error) {
    const code = (thrown as { code?: unknown }).code;
    const details = (thrown as { details?: ErrorDetails }).details;
    return {
      code: typeof code === 'string' ? code : fallback,
      message: thrown.message,
      name: thrown.name,
      ...(thrown.stack === undefined ? {} : { stack: thrown.stack }),
      ...(details === undefined ? {} : { details }),
      ...(thrown.cause === undefined ? {} : { cause: toErrorInfo(thrown.cause, fallback) }),
    };
  }
  return { code: fallback, message: String(thrown) };
}
