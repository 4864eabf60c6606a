/** Graphs as a picture that stands alone: a colour for each core element, status by fill and border, details on hover. */
import type { GraphData } from '../backend.ts';
import { type Colour, elementColours } from './colours.ts';
import { MAX_DRAWN_TASKS } from './graph-dot.ts';
import { shortSignature, syncNodes } from './graph-model.ts';
import { type GraphSummary, summarise } from './graph-summary.ts';
import { type Box, type Layout, layoutGraph, type Point } from './layout.ts';
import { attributes, element, svgDocument, title } from './svg.ts';

const MARGIN = 24;
const HEADER = 54;
const LEGEND_ROW = 20;
/** Names of versions are written beside the edges of small graphs only. */
const MAX_LABELLED_EDGES = 60;

export function graphToSvg(graph: GraphData): string {
  if (graph.tasks.length > MAX_DRAWN_TASKS) return drawSummary(graph, summarise(graph));
  return drawTasks(graph);
}

// ------------------------------------------------------------------------------------------------ tasks

interface Drawn {
  readonly box: Box;
  readonly draw: (centre: Point) => string;
}

function drawTasks(graph: GraphData): string {
  const colours = elementColours(graph.tasks.map((task) => task.signature));
  const syncs = syncNodes(graph);
  const items: Drawn[] = [
    ...graph.tasks.map((task) => taskNode(task, colours.get(task.signature) ?? UNKNOWN)),
    ...syncs.map(({ id }) => syncNode(id)),
  ];
  const index = new Map(graph.tasks.map((task, place) => [task.id, place]));
  const edges = [
    ...graph.edges,
    ...syncs.flatMap(({ id, from }) =>
      from.map(({ node, version }) => ({ from: node, to: id, version: version ?? '' })),
    ),
  ];
  for (const [place, { id }] of syncs.entries()) index.set(id, graph.tasks.length + place);
  const lines = edges.flatMap((edge) => {
    const from = index.get(edge.from);
    const to = index.get(edge.to);
    return from === undefined || to === undefined ? [] : [{ from, to, label: edge.version }];
  });
  const layout = layoutGraph({ boxes: items.map((item) => item.box), edges: lines });
  const drawing = [
    ...lines.map((line, place) => edgePath(layout.routes[place] ?? [], items[line.to]?.box, line.label)),
    ...items.map((item, place) => item.draw(layout.centres[place] ?? ORIGIN)),
    ...(lines.length <= MAX_LABELLED_EDGES
      ? lines.map((line, place) => edgeLabel(layout.routes[place] ?? [], line.label))
      : []),
  ];
  return page(layout, drawing, heading(graph), legendOf(graph, colours));
}

const ORIGIN: Point = { x: 0, y: 0 };
const UNKNOWN: Colour = { fill: '#bbbbbb', text: '#000000' };

type Task = GraphData['tasks'][number];

function taskNode(task: Task, colour: Colour): Drawn {
  const label = task.id.replace(/^t/, '');
  const width = Math.max(30, 14 + label.length * 7);
  const look = lookOf(task.status, colour);
  return {
    box: { width, height: 30 },
    draw: ({ x, y }) => {
      const shape = { x: x - width / 2, y: y - 15, width, height: 30, rx: 15 };
      const double =
        (task.computingNodes ?? 1) > 1
          ? element('rect', { ...shape, ...inset(shape, 3), fill: 'none', stroke: look.ink })
          : '';
      const body =
        title(tooltip(task)) + element('rect', { ...shape, ...look.shape }) + double + nodeText(x, y, label, look.ink);
      return element('g', {}, body);
    },
  };
}

const inset = (box: { x: number; y: number; width: number; height: number }, by: number): object => ({
  x: box.x + by,
  y: box.y + by,
  width: box.width - 2 * by,
  height: box.height - 2 * by,
});

interface Look {
  readonly shape: Readonly<Record<string, string | number>>;
  readonly ink: string;
}

/** Done is full, waiting is an outline, running has a thick border, failed a red one, cancelled is pale and dashed. */
function lookOf(status: string, { fill, text }: Colour): Look {
  switch (status) {
    case 'completed':
      return { shape: { fill, stroke: fill }, ink: text };
    case 'assigned':
    case 'running':
    case 'suspended':
    case 'cancelling':
      return { shape: { fill, stroke: '#111111', 'stroke-width': 3 }, ink: text };
    case 'failed':
      return { shape: { fill, stroke: '#d00000', 'stroke-width': 4 }, ink: text };
    case 'cancelled':
      return { shape: { fill: '#f1f1f1', stroke: '#888888', 'stroke-dasharray': '3 3' }, ink: '#666666' };
    default:
      return { shape: { fill: '#ffffff', stroke: fill, 'stroke-width': 2 }, ink: '#222222' };
  }
}

function tooltip(task: Task): string {
  const where = task.node === undefined ? '' : ` on ${task.node}`;
  const again = task.attempts > 1 ? `, attempt ${task.attempts}` : '';
  const redo = task.recomputes === undefined ? '' : `\nrecomputes ${task.recomputes}`;
  return `${task.id}  ${task.signature}\n${task.status}${where}${again}${redo}`;
}

const nodeText = (x: number, y: number, text: string, fill: string): string =>
  element('text', { x, y: y + 4, 'text-anchor': 'middle', fill }, text, true);

function syncNode(id: string): Drawn {
  return {
    box: { width: 46, height: 30 },
    draw: ({ x, y }) => {
      const points = [
        [-23, -6],
        [-14, -15],
        [14, -15],
        [23, -6],
        [23, 6],
        [14, 15],
        [-14, 15],
        [-23, 6],
      ]
        .map(([dx = 0, dy = 0]) => `${x + dx},${y + dy}`)
        .join(' ');
      return element(
        'g',
        {},
        title(id) + element('polygon', { points, fill: '#e00000' }) + nodeText(x, y, 'sync', '#ffffff'),
      );
    },
  };
}

// ------------------------------------------------------------------------------------------------ edges

/** A smooth line through the points, ending at the upper border of the box below. */
function edgePath(route: readonly Point[], target: Box | undefined, label: string, width = 1.2): string {
  const points = route.map((point, place) => (place === route.length - 1 ? above(point, target) : point));
  const [first, ...rest] = points;
  if (first === undefined) return '';
  const end = points.at(-1) ?? first;
  if (points.length === 2 && end.y <= first.y)
    return backPath(first, beside(route.at(-1) ?? end, target), label, width);
  let path = `M${round(first.x)} ${round(first.y)}`;
  let last = first;
  for (const point of rest) {
    const middle = round((last.y + point.y) / 2);
    path += `C${round(last.x)} ${middle} ${round(point.x)} ${middle} ${round(point.x)} ${round(point.y)}`;
    last = point;
  }
  return element('path', { d: path, class: 'e', 'marker-end': 'url(#a)', 'stroke-width': width }, title(label));
}

/** An edge that goes up (only in summaries) swings out to the right of the boxes. */
function backPath(from: Point, to: Point, label: string, width: number): string {
  const out = round(Math.max(from.x, to.x) + BACK_SWING);
  const path = `M${round(from.x)} ${round(from.y)}C${out} ${round(from.y)} ${out} ${round(to.y)} ${round(to.x)} ${round(to.y)}`;
  return element('path', { d: path, class: 'e', 'marker-end': 'url(#a)', 'stroke-width': width }, title(label));
}
const BACK_SWING = 260;

const beside = ({ x, y }: Point, box: Box | undefined): Point => ({ x: x + (box?.width ?? 0) / 2 + 3, y });

const above = ({ x, y }: Point, box: Box | undefined): Point => ({ x, y: y - (box?.height ?? 0) / 2 - 2 });

function edgeLabel(route: readonly Point[], label: string): string {
  const [from, to] = [route[Math.floor((route.length - 1) / 2)], route[Math.floor((route.length - 1) / 2) + 1]];
  if (label === '' || from === undefined || to === undefined) return '';
  const swing = to.y < from.y ? BACK_SWING * 0.78 : 0;
  const at = { x: round((from.x + to.x) / 2 + 3 + swing), y: round((from.y + to.y) / 2 + 3) };
  return element('text', { ...at, class: 'l' }, label, true);
}

const round = (value: number): number => Math.round(value * 10) / 10;

// ------------------------------------------------------------------------------------------------ summary

function drawSummary(graph: GraphData, { elements, flows }: GraphSummary): string {
  const items = elements.map(summaryNode);
  const index = new Map(elements.map(({ signature }, place) => [signature, place]));
  const lines = flows
    .map(({ from, to, count }) => ({ from: index.get(from) ?? 0, to: index.get(to) ?? 0, count }))
    .filter(({ from, to }) => from !== to);
  const layout = layoutGraph({ boxes: items.map((item) => item.box), edges: lines });
  const drawing = [
    ...lines.map(({ to, count }, place) =>
      edgePath(layout.routes[place] ?? [], items[to]?.box, `${count} dependencies`, 1 + Math.log10(count)),
    ),
    ...items.map((item, place) => item.draw(layout.centres[place] ?? ORIGIN)),
    ...lines.map(({ count }, place) => edgeLabel(layout.routes[place] ?? [], `× ${count}`)),
  ];
  const wider = { ...layout, width: layout.width + BACK_SWING };
  return page(wider, drawing, `${heading(graph)}; drawn by core element`, []);
}

function summaryNode(summary: GraphSummary['elements'][number]): Drawn {
  const { signature, tasks, completed, failed, running, colour } = summary;
  const name = shortSignature(signature);
  const width = Math.max(180, 24 + name.length * 8);
  const height = 58;
  const counts = [
    `${completed} of ${tasks} done`,
    running > 0 ? `${running} run` : '',
    failed > 0 ? `${failed} failed` : '',
  ];
  return {
    box: { width, height },
    draw: ({ x, y }) => {
      const box = { x: x - width / 2, y: y - height / 2, width, height };
      const bar = { x: box.x + 10, y: y + 14, width: width - 20, height: 6, rx: 3 };
      return element(
        'g',
        {},
        [
          title(signature),
          element('rect', { ...box, rx: 8, fill: '#ffffff', stroke: colour.fill, 'stroke-width': 3 }),
          element('text', { x, y: y - 9, 'text-anchor': 'middle', class: 'b' }, name, true),
          element(
            'text',
            { x, y: y + 8, 'text-anchor': 'middle' },
            counts.filter((part) => part !== '').join(', '),
            true,
          ),
          element('rect', { ...bar, fill: '#e5e5e5' }),
          element('rect', { ...bar, width: (bar.width * completed) / Math.max(1, tasks), fill: colour.fill }),
        ].join(''),
      );
    },
  };
}

// ------------------------------------------------------------------------------------------------ page

function heading(graph: GraphData): string {
  const counts = new Map<string, number>();
  for (const { status } of graph.tasks) counts.set(status, (counts.get(status) ?? 0) + 1);
  const parts = [...counts].map(([status, count]) => `${count} ${status}`);
  const old = graph.forgotten > 0 ? `; ${graph.forgotten} older tasks are no longer known` : '';
  return `${graph.tasks.length} tasks, ${graph.edges.length} dependencies: ${parts.join(', ') || 'none yet'}${old}`;
}

interface LegendEntry {
  readonly label: string;
  readonly look: Look;
}

function legendOf(graph: GraphData, colours: ReadonlyMap<string, Colour>): LegendEntry[] {
  const counts = new Map<string, number>();
  for (const { signature } of graph.tasks) counts.set(signature, (counts.get(signature) ?? 0) + 1);
  const elements = [...colours].map(([signature, colour]) => ({
    label: `${shortSignature(signature)} × ${counts.get(signature) ?? 0}`,
    look: lookOf('completed', colour),
  }));
  const statuses = ['ready', 'running', 'failed', 'cancelled']
    .filter((status) => graph.tasks.some((task) => group(task.status) === status))
    .map((status) => ({ label: status === 'ready' ? 'waits' : status, look: lookOf(status, UNKNOWN) }));
  return [...elements, ...statuses];
}

const group = (status: string): string => {
  if (status === 'blocked') return 'ready';
  return status === 'assigned' || status === 'suspended' || status === 'cancelling' ? 'running' : status;
};

function page(layout: Layout, drawing: readonly string[], text: string, legend: readonly LegendEntry[]): string {
  const columns = 260;
  const width = Math.max(layout.width, Math.min(3, legend.length) * columns, text.length * 8) + 2 * MARGIN;
  const perRow = Math.max(1, Math.floor((width - 2 * MARGIN) / columns));
  const top = HEADER + Math.ceil(legend.length / perRow) * LEGEND_ROW;
  const height = top + layout.height + MARGIN;
  const entries = legend.map(({ label, look }, place) => {
    const at = { x: MARGIN + (place % perRow) * columns, y: HEADER - 18 + Math.floor(place / perRow) * LEGEND_ROW };
    const swatch = element('rect', { ...at, width: 18, height: 12, rx: 6, ...look.shape });
    return swatch + element('text', { x: at.x + 25, y: at.y + 10 }, label, true);
  });
  const left = (width - layout.width) / 2;
  return svgDocument(width, height, [
    element('text', { x: MARGIN, y: 26, class: 'b' }, text, true),
    ...entries,
    `<g${attributes({ transform: `translate(${round(left)} ${top})` })}>`,
    ...drawing,
    '</g>',
  ]);
}
