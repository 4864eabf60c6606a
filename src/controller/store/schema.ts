import type { Generated } from 'kysely';

/** Milliseconds since 1970, as the process that wrote them saw it. */
type Time = number;
/** Text that holds JSON: both databases store and return it unchanged. */
type Json = string;

/** A controller that announced itself at the lighthouse. It is there while its lease runs. */
export interface ControllerTable {
  address: string;
  name: string;
  /** The identity that registered the address: it alone may renew, rename or remove it. */
  owner: string;
  /** The domain it controls, if it claimed one. Unique: that is how of two claims one wins. */
  domain: string | null;
  registered_at: Time;
  expires_at: Time;
}

export interface JobGroupTable {
  id: string;
  name: string;
  description: string;
  namespace: string;
  /** Which form the descriptor had; the seed's makes jobs that its own routes show too. */
  form: string;
  /** The application as a request to the matchmaker: what is needed to match again later. */
  match_request: Json;
  /** The descriptor as it was sent, for the policy manager. */
  descriptor: string;
  warnings: Json;
  /** The subject that created it. */
  owner: string;
  /** 1 once deletion was asked for while jobs still had to be undeployed. */
  deleting: Generated<number>;
  created_at: Time;
  updated_at: Time;
  /** Grows with every change of the group's own row; also numbers its outbox entries. */
  version: Generated<number>;
}

/** One component on one target. The row is the unit of change: every write compares `version`. */
export interface JobTable {
  id: string;
  group_id: string;
  /** Order inside the group. */
  position: number;
  component: string;
  action: string;
  sub_type: Generated<string>;
  status: string;
  /** The driver that has or had the job. */
  owner_id: string | null;
  /** Until when nobody else may take the job; null when nobody works on it. */
  lease_until: Time | null;
  attempts: Generated<number>;
  orchestrator: Generated<string>;
  cluster: Generated<string>;
  node: Generated<string>;
  namespace: string;
  manifests: Json;
  resource_id: string;
  resource_uuid: string | null;
  resource_name: string;
  resource_updated_at: Time;
  conditions: Json;
  /** When a job without a target is given up; null when it has one or was given up. */
  match_deadline: Time | null;
  /** When to ask the matchmaker again; null when there is nothing to ask. */
  match_at: Time | null;
  /** Nodes not to be chosen again, after a reallocation. */
  avoid: Generated<Json>;
  /** What it takes of its node. */
  cpu_millis: Generated<number>;
  memory_bytes: Generated<number>;
  devices: Generated<Json>;
  created_at: Time;
  updated_at: Time;
  version: Generated<number>;
}

/** What happened to a job, in words: how it came to be where it is. */
export interface JobEventTable {
  id: string;
  job_id: string;
  group_id: string;
  /** The job's version after the event: orders the events of one job. */
  version: number;
  at: Time;
  event: string;
  from_phase: string;
  to_phase: string;
  detail: string;
}

/** A violated policy as it was reported, and which job it led to. */
export interface IncomplianceTable {
  id: string;
  job_id: string | null;
  body: Json;
  created_at: Time;
}

/** The answer to a request that carried an idempotency key. */
export interface IdempotencyTable {
  key: string;
  subject: string;
  /** Of the request: the same key with another body is a mistake of the caller. */
  digest: string;
  group_id: string;
  created_at: Time;
}

/** A call to another service that must be made, however often it takes. */
export interface OutboxTable {
  id: string;
  /** Entries of one stream are delivered in the order of `position`. */
  stream: string;
  position: number;
  peer: string;
  method: string;
  path: string;
  body: Json;
  attempts: Generated<number>;
  next_at: Time;
  lease_until: Time | null;
  last_error: string | null;
  created_at: Time;
}

/** Capacity that a matchmaker gave away a moment ago, until the job manager surely has it as a job. */
export interface PlacementPromiseTable {
  id: string;
  at: Time;
  cluster: string;
  node: string;
  cpu_millis: number;
  memory_bytes: number;
  devices: Json;
}

/** One row, which a matchmaker changes first of all: the lock that lets one of several replicas place at a time. */
export interface PlacementTurnTable {
  id: number;
  turns: number;
}

/** What somebody did or was refused. */
export interface AuditTable {
  id: string;
  at: Time;
  service: string;
  subject: string;
  username: string;
  action: string;
  target: string;
  status: number;
  request_id: string;
}

export interface Schema {
  audit: AuditTable;
  controllers: ControllerTable;
  job_groups: JobGroupTable;
  jobs: JobTable;
  job_events: JobEventTable;
  incompliances: IncomplianceTable;
  idempotency_keys: IdempotencyTable;
  outbox: OutboxTable;
  placement_promises: PlacementPromiseTable;
  placement_turn: PlacementTurnTable;
}
