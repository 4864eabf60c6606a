/** Graphs in DOT, drawn as COMPSs draws them: a colour for each core element, edges that name the version. */
import type { GraphData } from '../backend.ts';
import { elementColours } from './colours.ts';
import { syncNodes } from './graph-model.ts';
import { type GraphSummary, summarise } from './graph-summary.ts';

/** Bigger graphs are drawn by core element: nobody can read more. */
export const MAX_DRAWN_TASKS = 2_000;

export function graphToDot(graph: GraphData): string {
  const body = graph.tasks.length > MAX_DRAWN_TASKS ? summaryLines(summarise(graph)) : taskLines(graph);
  return ['digraph {', '  rankdir=TB;', '  labeljust="l";', ...body.map((line) => `  ${line}`), '}', ''].join('\n');
}

function taskLines(graph: GraphData): string[] {
  const colours = elementColours(graph.tasks.map((task) => task.signature));
  const nodes = graph.tasks.map(({ id, signature, computingNodes, status }) => {
    const { fill, text } = colours.get(signature) ?? UNKNOWN;
    const shape = (computingNodes ?? 1) > 1 ? 'doublecircle' : 'circle';
    const style = status === 'completed' ? 'filled' : 'filled,dashed';
    return `${quote(id)}[label=${quote(id.replace(/^t/, ''))}, tooltip=${quote(signature)}, shape=${shape}, style="${style}" fillcolor="${fill}" fontcolor="${text}"];`;
  });
  const edges = graph.edges.map(({ from, to, version }) => `${quote(from)} -> ${quote(to)}[label=${quote(version)}];`);
  return [...nodes, ...edges, ...syncLines(graph), ...legend(colours)];
}

const UNKNOWN = { fill: '#bbbbbb', text: '#000000' };

function syncLines(graph: GraphData): string[] {
  return syncNodes(graph).flatMap(({ id, from }) => [
    `${id}[label="sync", shape=octagon, style=filled fillcolor="#ff0000" fontcolor="#FFFFFF"];`,
    ...from.map(
      ({ node, version }) => `${quote(node)} -> ${id}${version === undefined ? '' : `[label=${quote(version)}]`};`,
    ),
  ]);
}

function legend(colours: ReadonlyMap<string, { readonly fill: string; readonly text: string }>): string[] {
  if (colours.size === 0) return [];
  const rows = [...colours].map(
    ([signature, { fill, text }]) =>
      `<tr><td bgcolor="${fill}"><font color="${text}">${escapeHtml(signature)}</font></td></tr>`,
  );
  return [
    'subgraph cluster_legend {',
    '  label="Core elements";',
    `  legend[shape=plaintext, label=<<table border="0" cellborder="1" cellspacing="0">${rows.join('')}</table>>];`,
    '}',
  ];
}

function summaryLines(summary: GraphSummary): string[] {
  const nodes = summary.elements.map(({ signature, tasks, completed, colour }) => {
    const label = `${signature}\n${completed} of ${tasks} done`;
    return `${quote(signature)}[label=${quote(label)}, shape=box, style=filled fillcolor="${colour.fill}" fontcolor="${colour.text}"];`;
  });
  const edges = summary.flows.map(({ from, to, count }) => `${quote(from)} -> ${quote(to)}[label="${count}"];`);
  return [...nodes, ...edges];
}

/** A DOT string: quotes and backslashes escaped, line ends as `\n`. */
const quote = (text: string): string => `"${text.replace(/[\\"]/g, (char) => `\\${char}`).replace(/\r?\n/g, '\\n')}"`;

const escapeHtml = (text: string): string =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
