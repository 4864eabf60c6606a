import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { describe, expect, it } from 'vitest';
import type { GraphData } from '../../../src/agent/backend.ts';
import { elementColours } from '../../../src/agent/export/colours.ts';
import { graphToDot } from '../../../src/agent/export/graph-dot.ts';
import { summarise } from '../../../src/agent/export/graph-summary.ts';
import { graphToSvg } from '../../../src/agent/export/graph-svg.ts';
import { layoutGraph } from '../../../src/agent/export/layout.ts';
import { timelineToTrace } from '../../../src/agent/export/timeline.ts';

const STATUSES = ['completed', 'running', 'blocked', 'failed', 'cancelled'] as const;

/** Layers of `width` tasks, each reading its three neighbours above. */
function stencil(count: number, width: number): GraphData {
  const tasks = Array.from({ length: count }, (_, i) => ({
    id: `t${i}`,
    signature: `mod.ts#cell${i % 3}("a<b>&c")`,
    status: STATUSES[i % STATUSES.length]!,
    attempts: 1,
  }));
  const edges = tasks.flatMap((task, i) =>
    [-1, 0, 1]
      .map((shift) => i - width + shift)
      .filter((from) => from >= 0)
      .map((from) => ({ from: `t${from}`, to: task.id, version: `d${from}v1` })),
  );
  return { tasks, edges, syncs: [{ waitedFor: [] }, { waitedFor: [{ task: 't0', version: 'd0v1' }] }], forgotten: 2 };
}

const parse = (svg: string): unknown => {
  expect(XMLValidator.validate(svg)).toBe(true);
  return new XMLParser({ ignoreAttributes: false }).parse(svg);
};

describe('the layout', () => {
  it('puts every task below what it reads, and nothing on top of anything else', () => {
    const { tasks, edges } = stencil(60, 6);
    const index = new Map(tasks.map((task, place) => [task.id, place]));
    const lines = edges.map(({ from, to }) => ({ from: index.get(from)!, to: index.get(to)! }));
    const boxes = tasks.map(() => ({ width: 40, height: 30 }));
    const layout = layoutGraph({ boxes, edges: lines });
    for (const { from, to } of lines) expect(layout.centres[to]!.y).toBeGreaterThan(layout.centres[from]!.y + 30);
    for (const [i, a] of layout.centres.entries()) {
      expect(a.x).toBeGreaterThanOrEqual(20);
      expect(a.x).toBeLessThanOrEqual(layout.width - 20 + 1e-6);
      for (const b of layout.centres.slice(i + 1)) {
        expect(Math.abs(a.x - b.x) >= 40 || Math.abs(a.y - b.y) >= 30).toBe(true);
      }
    }
  });

  it('puts a chain in one line, and a fan below its middle', () => {
    const box = { width: 20, height: 20 };
    const chain = layoutGraph({
      boxes: [box, box, box],
      edges: [
        { from: 0, to: 1 },
        { from: 1, to: 2 },
      ],
    });
    expect(new Set(chain.centres.map(({ x }) => Math.round(x))).size).toBe(1);
    const fan = layoutGraph({ boxes: [box, box, box, box], edges: [1, 2, 3].map((to) => ({ from: 0, to })) });
    expect(fan.centres[0]!.x).toBeCloseTo(fan.centres[2]!.x, 0);
  });

  it('takes cycles, loops, nothing at all', () => {
    const box = { width: 20, height: 20 };
    const edges = [
      { from: 0, to: 1 },
      { from: 1, to: 0 },
      { from: 1, to: 1 },
    ];
    expect(layoutGraph({ boxes: [box, box], edges }).centres).toHaveLength(2);
    expect(layoutGraph({ boxes: [], edges: [] })).toMatchObject({ width: 0, height: 0 });
  });

  it('is quick for 2,000 tasks, whatever the edges', () => {
    const boxes = Array.from({ length: 2000 }, () => ({ width: 30, height: 30 }));
    const edges = boxes.flatMap((_, to) =>
      to === 0
        ? []
        : [
            { from: (to * 7919) % to, to },
            { from: Math.floor(to / 2), to },
          ],
    );
    const started = performance.now();
    layoutGraph({ boxes, edges });
    expect(performance.now() - started).toBeLessThan(5_000);
  });
});

describe('graphs', () => {
  it('are SVG that a parser takes, one picture for each task, edges and syncs', () => {
    const svg = graphToSvg(stencil(40, 5));
    parse(svg);
    expect(svg.match(/<title>t\d+ /g)).toHaveLength(40);
    expect(svg.match(/class="e"/g)?.length).toBeGreaterThan(100);
    expect(svg.match(/>sync</g)).toHaveLength(2);
    expect(svg).toContain('2 older tasks are no longer known');
  });

  it('are drawn by core element beyond 2,000 tasks', () => {
    const graph = stencil(2500, 20);
    const svg = graphToSvg(graph);
    parse(svg);
    expect(svg.length).toBeLessThan(10_000);
    expect(svg).toContain('drawn by core element');
    expect(graphToDot(graph).split('\n').length).toBeLessThan(30);
    expect(summarise(graph).elements.map((element) => element.tasks)).toEqual([834, 833, 833]);
  });

  it('are DOT with a colour for each core element, versions on the edges, red syncs and a legend', () => {
    const graph = stencil(4, 2);
    const dot = graphToDot({ ...graph, tasks: [...graph.tasks, { ...graph.tasks[0]!, id: 't9', computingNodes: 2 }] });
    expect(dot).toContain('"t0" -> "t2"[label="d0v1"];');
    expect(dot).toContain('Synchro0[label="sync", shape=octagon, style=filled fillcolor="#ff0000"');
    expect(dot).toMatch(/"t9"\[.*shape=doublecircle/);
    expect(dot).toMatch(/tooltip="mod.ts#cell0\(\\"a<b>&c\\"\)"/);
    expect(dot).toContain('mod.ts#cell1(&quot;a&lt;b&gt;&amp;c&quot;)');
  });

  it('never run out of colours', () => {
    const colours = elementColours(Array.from({ length: 60 }, (_, i) => `f${i}`));
    expect(new Set([...colours.values()].map(({ fill }) => fill)).size).toBe(60);
    for (const { fill } of colours.values()) expect(fill).toMatch(/^#[0-9a-f]{6}$/);
  });
});

describe('timelines', () => {
  it('have a row for each slot, named, and transfers beside', () => {
    const attempt = { task: 't1', attempt: 1, signature: 'f', node: 'n1', status: 'completed' };
    const trace = timelineToTrace(
      {
        attempts: [
          { ...attempt, startedAt: 0, endedAt: 10 },
          { ...attempt, startedAt: 5 },
          { ...attempt, startedAt: 12, endedAt: 15 },
          { ...attempt, node: 'n2', slot: 3, startedAt: 1, endedAt: 2 },
        ],
        transfers: [{ version: 'd1v1', to: 'n2', bytes: 9, startedAt: 1, failed: true }],
      },
      20,
    );
    const spans = trace.traceEvents.filter((event) => event.ph === 'X').sort((a, b) => a.pid - b.pid || a.ts! - b.ts!);
    expect(spans.map(({ pid, tid, ts, dur }) => [pid, tid, ts, dur])).toEqual([
      [1, 0, 0, 10_000],
      [1, 1, 5_000, 15_000],
      [1, 0, 12_000, 3_000],
      [2, 3, 1_000, 1_000],
    ]);
    const names = trace.traceEvents.filter((event) => event.ph === 'M').map((event) => event.args?.['name']);
    expect(names).toEqual(expect.arrayContaining(['n1', 'n2', 'slot 0', 'slot 1', 'slot 3', 'transfers']));
    const transfer = trace.traceEvents.filter((event) => event.cat === 'transfer');
    expect(transfer.map(({ ph, ts }) => [ph, ts])).toEqual([
      ['b', 1_000],
      ['e', 20_000],
    ]);
    expect(transfer[0]?.args).toMatchObject({ from: 'unknown', failed: true });
  });
});
