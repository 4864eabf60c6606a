import type { GraphData } from '../backend.ts';

export interface SyncNode {
  /** `Synchro0`, as COMPSs names them. */
  readonly id: string;
  readonly from: readonly { readonly node: string; readonly version?: string }[];
}

/** Points where the submitter waited. A wait for everything hangs on the tasks that nothing else depends on. */
export function syncNodes(graph: GraphData): SyncNode[] {
  return graph.syncs.map(({ waitedFor }, index) => ({
    id: `Synchro${index}`,
    from:
      waitedFor.length === 0
        ? sinks(graph).map((node) => ({ node }))
        : waitedFor.map(({ task, version }) => ({ node: task, ...(version === undefined ? {} : { version }) })),
  }));
}

function sinks(graph: GraphData): string[] {
  const read = new Set(graph.edges.map((edge) => edge.from));
  return graph.tasks.filter((task) => !read.has(task.id)).map((task) => task.id);
}

/** `module#method(…)` shortened to what fits beside a node. */
export function shortSignature(signature: string): string {
  const method = /[#.]?([^#./]+(?:\([^)]*\))?)$/.exec(signature.replace(/\(.*$/, ''))?.[1] ?? signature;
  return method.length > 28 ? `${method.slice(0, 27)}…` : method;
}
