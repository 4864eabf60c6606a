import type { Remediation } from '../enums.ts';

export type JsonValue = string | number | boolean | null | readonly JsonValue[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: JsonValue;
}

/**
 * Which generation of descriptor a text was: one plain Kubernetes object (or several) of the seed; a header followed by
 * objects; one document with the objects in a list; the same with each object wrapped in `{name, manifest}`.
 */
export type DescriptorForm = 'kubernetes' | 'header-and-manifests' | 'manifest-list' | 'wrapped-manifests';

/** What a user asked to run: the one model that all four forms end in. */
export interface Application {
  readonly form: DescriptorForm;
  readonly name: string;
  readonly description: string;
  /** At least one; names are unique. */
  readonly components: readonly Component[];
  /** Policies of the whole application, or of the components in `applyTo`. */
  readonly policies: readonly Policy[];
  /** What was understood but will have no effect, such as a manifest no component names. */
  readonly warnings: readonly string[];
}

export type ComponentType = 'kubernetes' | 'docker' | 'multiple';

export interface Component {
  readonly name: string;
  readonly type: ComponentType;
  readonly manifests: readonly Manifest[];
  readonly requirements: Requirements;
  readonly communication: { readonly incoming: readonly string[]; readonly outgoing: readonly string[] };
  readonly policies: readonly Policy[];
  /** Nodes not to be chosen: an addition of requests to the matchmaker, never of a user's descriptor. */
  readonly avoid?: readonly { readonly cluster: string; readonly node: string }[];
}

export interface Manifest {
  readonly name: string;
  readonly format: 'kubernetes' | 'docker-compose';
  /** Of a Kubernetes object; empty for a compose file. */
  readonly apiVersion: string;
  readonly kind: string;
  readonly content: JsonObject;
  /** The object as YAML: the user's own text in the seed's form, re-written in the others. */
  readonly yaml: string;
}

/** What a component needs of a node. An absent member is no requirement. */
export interface Requirements {
  readonly cpuMillis?: number;
  readonly memoryBytes?: number;
  /** In the one spelling of `canonicalArchitecture`. */
  readonly architecture?: string;
  /** Resource paths such as `squat.ai/video`; all of them on one node. */
  readonly devices?: readonly string[];
  /** All must hold; a label holds when its value is one of `values`. */
  readonly nodeLabels?: readonly NodeLabel[];
}

export interface NodeLabel {
  readonly key: string;
  readonly values: readonly string[];
}

export type Scalar = string | number | boolean;

interface PolicyBase {
  readonly name?: string;
  /** The word as it was written: the job manager's, the policy manager's, or one to be refused when it is acted on. */
  readonly remediation?: Remediation | (string & {});
  readonly variables: Readonly<Record<string, Scalar>>;
  readonly properties: Readonly<Record<string, Scalar>>;
  /** Component names; empty for all. */
  readonly applyTo: readonly string[];
}

export type SecurityLevel = 'high' | 'medium' | 'low';

export type Policy = PolicyBase &
  (
    | { readonly type: 'security'; readonly level: SecurityLevel }
    | { readonly type: 'security'; readonly threshold: number }
    | {
        readonly type: 'scheduler';
        readonly performance: number;
        readonly energy: number;
        readonly security: number;
      }
    | { readonly type: 'template'; readonly fromTemplate: string }
    | {
        readonly type: 'expression';
        readonly expr: string;
        readonly violatedIf?: string;
        readonly thresholds: Readonly<Record<string, number>>;
      }
    | {
        readonly type: 'node-resource-usage';
        readonly cpuThresholdPercent?: number;
        readonly memoryThresholdPercent?: number;
        readonly memoryThresholdBytes?: number;
        readonly excludeAppResources: boolean;
      }
    | { readonly type: 'redeploy-on-lost-telemetry'; readonly timeoutMs: number }
    /** A type of a later version: kept as it is, acted on by nobody here. */
    | { readonly type: 'other'; readonly declaredType: string; readonly raw: JsonObject }
  );
