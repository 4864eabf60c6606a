/**
 * What an orchestrator must be able to do to be deployed to. One implementation per orchestrator; all pass
 * test/conformance/deployment-driver.ts. Jobs come from the job manager: `driver-loop.ts` lists and claims them, calls
 * the driver, and tells what became of them.
 */
import type { Brand } from '../../common/brand.ts';
import type { Orchestrator, Remediation } from '../../contracts/icos/enums.ts';

export type DeploymentId = Brand<string, 'DeploymentId'>;
export type DriverId = Brand<string, 'DriverId'>;

export interface DeploymentTarget {
  readonly cluster: string;
  /** Empty: any node of the cluster. */
  readonly node: string;
}

/** One component of an application, to be brought to one place. */
export interface Deployment {
  /** The job's id: the same at every attempt, which makes every operation repeatable. */
  readonly id: DeploymentId;
  readonly application: string;
  /** Of the application; with `component` it labels whatever is deployed. */
  readonly instance: string;
  readonly component: string;
  readonly namespace: string;
  readonly target: DeploymentTarget;
  /** Kubernetes objects or compose files as YAML text. */
  readonly manifests: readonly string[];
}

export interface DeploymentCondition {
  readonly type: 'Progressing' | 'Applied' | 'Available' | 'Degraded';
  readonly status: 'True' | 'False' | 'Unknown';
  /** One word in CamelCase. */
  readonly reason: string;
  /** For people: what exactly, where, and what to do about it. */
  readonly message: string;
  /** RFC 3339: when `status` became what it is. */
  readonly lastTransitionTime: string;
}

/** How a deployment stands. */
export interface DeploymentState {
  readonly id: DeploymentId;
  /** The orchestrator's own id for it (a GUID) and name. */
  readonly uuid: string;
  readonly name: string;
  readonly status: 'progressing' | 'available' | 'degraded';
  /** At most one per type; every type that was ever told is told, so that what is over reads `False`. */
  readonly conditions: readonly DeploymentCondition[];
}

export interface DeploymentDriver extends AsyncDisposable {
  readonly orchestrator: Orchestrator;
  /** The same after a restart: the deployments of this id are this driver's to undo. A GUID. */
  readonly id: DriverId;
  /** Whether deployments for this place are this driver's: several drivers of one orchestrator share the job manager. */
  serves(target: DeploymentTarget): boolean;
  /**
   * Brings about what the manifests say, anew or in place of what is there under this id, and resolves when it stands or
   * cannot. What cannot be deployed is `degraded` with the reason; rejecting means "try again later". Repeating it for
   * what stands changes nothing.
   */
  apply(deployment: Deployment, signal: AbortSignal): Promise<DeploymentState>;
  /** Changes what runs as a remediation demands. Reallocations are not asked of a driver: they end in `remove`. */
  update(deployment: Deployment, remediation: Remediation, signal: AbortSignal): Promise<DeploymentState>;
  /** Resolves when nothing of it is left; what is not there is removed already. */
  remove(id: DeploymentId, signal: AbortSignal): Promise<void>;
  /** Everything of this driver's that is there now. */
  observe(): Promise<readonly DeploymentState[]>;
  /** Tells changes that nobody asked for (a crash, a recovery) until the returned function is called. */
  watch(changed: (state: DeploymentState) => void): () => void;
}
