import type { GraphData } from '../backend.ts';
import { type Colour, elementColours } from './colours.ts';

/** A graph by core element: for graphs too big to draw task by task. */
export interface GraphSummary {
  readonly elements: readonly {
    readonly signature: string;
    readonly tasks: number;
    readonly completed: number;
    readonly failed: number;
    readonly running: number;
    readonly colour: Colour;
  }[];
  /** Dependencies between tasks of two core elements. */
  readonly flows: readonly { readonly from: string; readonly to: string; readonly count: number }[];
}

export function summarise(graph: GraphData): GraphSummary {
  const colours = elementColours(graph.tasks.map((task) => task.signature));
  const elements = [...colours].map(([signature, colour]) => {
    const tasks = graph.tasks.filter((task) => task.signature === signature);
    const count = (...statuses: string[]): number => tasks.filter((task) => statuses.includes(task.status)).length;
    return {
      signature,
      colour,
      tasks: tasks.length,
      completed: count('completed'),
      failed: count('failed', 'cancelled'),
      running: count('assigned', 'running', 'suspended'),
    };
  });
  return { elements, flows: flowsOf(graph) };
}

function flowsOf(graph: GraphData): GraphSummary['flows'] {
  const signatures = new Map(graph.tasks.map((task) => [task.id, task.signature]));
  const counts = new Map<string, { from: string; to: string; count: number }>();
  for (const edge of graph.edges) {
    const from = signatures.get(edge.from);
    const to = signatures.get(edge.to);
    if (from === undefined || to === undefined) continue;
    const key = JSON.stringify([from, to]);
    const flow = counts.get(key);
    if (flow === undefined) counts.set(key, { from, to, count: 1 });
    else flow.count += 1;
  }
  return [...counts.values()];
}
