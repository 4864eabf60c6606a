/** A modelled node and the link that ties it to all others. */
export interface NodeModel {
  readonly name: string;
  readonly slots: number;
  /** Relative to the run times of programs. */
  readonly speed: number;
  /** Bytes per millisecond, each way: 1e6 is about 8 Gbit/s. */
  readonly bandwidth: number;
  /** Of a message to the agent or from it, one way, in milliseconds. */
  readonly latencyMs: number;
  /** For policies that weigh cost and energy. */
  readonly pricePerHour?: number;
  readonly idlePowerWatts?: number;
}

/** A node dies with all that it holds. */
export interface NodeFault {
  readonly node: number;
  readonly atMs: number;
  /** Until the agent knows. */
  readonly detectedAfterMs: number;
  /** It comes back so long after it was found dead; absent: never. */
  readonly backAfterMs?: number;
}

export interface Cluster {
  /** The first one is the agent's own: it is never lost. */
  readonly nodes: readonly NodeModel[];
  readonly faults: readonly NodeFault[];
}

export interface UniformCluster {
  readonly nodes: number;
  readonly slots: number;
  readonly bandwidth: number;
  readonly latencyMs: number;
  /** The speeds repeat over the nodes; default: all 1. */
  readonly speeds?: readonly number[];
}

/** Equal nodes, but for their speeds. The agent's own has no latency. */
export function uniformCluster({ nodes, slots, bandwidth, latencyMs, speeds = [1] }: UniformCluster): Cluster {
  return {
    nodes: Array.from({ length: nodes }, (_, index) => ({
      name: `n${index}`,
      slots,
      speed: speeds[index % speeds.length]!,
      bandwidth,
      latencyMs: index === 0 ? 0 : latencyMs,
    })),
    faults: [],
  };
}
