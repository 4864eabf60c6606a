/**
 * A core that knows tens of thousands of agents, each with a heartbeat a second. An application of 100 tasks is placed on 100
 * of them: processor time from its submission to the last order, p99. Agents are rows of the core and beats on the wire;
 * their processes and sockets are not here. Baseline: for each task one look at all agents, as objects.
 *
 * And what a decision costs with a million tasks over a thousand nodes.
 */
import { millis } from '../src/common/brand.ts';
import { decodePong, encodePong } from '../src/offloader/grpc-agent/heartbeat-wire.ts';
import type { CoreId, Handle, InvocationId, ResourceId, ScopeId } from '../src/runtime/model/ids.ts';
import type { SchedulerEvent } from '../src/runtime/scheduler/events.ts';
import { createCore } from '../src/runtime/scheduler/scheduler.ts';
import { cpuMsOf, InstantNodes } from './support/instant-nodes.ts';
import { ObjectGraph } from './support/object-graph.ts';
import { benchmark, percentile } from './support/report.ts';

const AGENTS = 50_000;
const SLOTS = 2;
const TASKS = 100;
const PLACEMENTS = 200;
const SCOPE = 0 as ScopeId;
/** Beats are taken in ten times a second. */
const SLICES = 10;

const core = createCore({ historySize: 0 });
const constraints = { processors: [{ type: 'CPU' as const, units: SLOTS }] };
const implementations = [{ language: 'JS' as const, module: 'bench', method: 'whole', constraints }];
core.step(millis(0), [
  { type: 'core-registered', core: 0 as CoreId, element: { signature: 'whole', implementations } },
  { type: 'scope-opened', scope: SCOPE, name: 'fleet' },
]);
const processors = [{ name: 'MainProcessor', type: 'CPU' as const, units: SLOTS }];
for (let id = 0; id < AGENTS; id++) {
  const description = { name: `a${id}`, scheme: 'bench', processors };
  core.step(millis(0), [{ type: 'resource-joined', resource: id as ResourceId, description, self: id === 0 }]);
}

const beats = Array.from({ length: AGENTS }, (_, id) =>
  encodePong({ incarnation: id.toString(16).padStart(16, '0'), counter: 1, lagMs: 0.5 }),
);
const lastBeat = new Float64Array(AGENTS);
let slice = 0;

/** The beats of a tenth of a second, and a look for agents that have been silent. */
function takeBeats(): void {
  const now = performance.now();
  for (let id = slice; id < AGENTS; id += SLICES) {
    if (decodePong(beats[id]!) === undefined) throw new Error('not a beat');
    lastBeat[id] = now;
  }
  slice = (slice + 1) % SLICES;
  for (let id = 0; id < AGENTS; id++) if (now - lastBeat[id]! > 1e9) throw new Error('silent');
}

let submitted = 0;

/** Processor time of one placement, in milliseconds. */
function place(): number {
  const launched: InvocationId[] = [];
  const on = new Set<ResourceId>();
  const ms = cpuMsOf(() => {
    const events: SchedulerEvent[] = [];
    for (let task = 0; task < TASKS; task++) {
      const seq = submitted++;
      const accesses = [{ handle: seq as Handle, direction: 'OUT' as const, kind: 'value' as const }];
      events.push({ type: 'task-submitted', task: { scope: SCOPE, seq, core: 0 as CoreId, accesses, returns: [] } });
    }
    for (const effect of core.step(millis(1), events)) {
      if (effect.type !== 'launch') continue;
      launched.push(effect.invocation);
      on.add(effect.resource);
    }
  });
  if (on.size !== TASKS) throw new Error(`placed on ${on.size} agents, not ${TASKS}`);
  const outcome = { status: 'completed', outputs: [{ bytes: 8, inline: true }] } as const;
  core.step(
    millis(2),
    launched.map((invocation) => ({ type: 'invocation-settled', invocation, outcome })),
  );
  for (let seq = submitted - TASKS; seq < submitted; seq++) {
    core.step(millis(2), [{ type: 'handle-released', scope: SCOPE, handle: seq as Handle }]);
  }
  return ms;
}

let beatMs = 0;

function placements(): number {
  const times: number[] = [];
  beatMs = 0;
  for (let one = 0; one < PLACEMENTS; one++) {
    beatMs += cpuMsOf(takeBeats);
    times.push(place());
  }
  return percentile(times, 0.99);
}

interface PlainAgent {
  readonly name: string;
  free: number;
}
const plainAgents: PlainAgent[] = Array.from({ length: AGENTS }, (_, id) => ({ name: `a${id}`, free: SLOTS }));

function leastLoaded(agents: readonly PlainAgent[]): PlainAgent {
  let best = agents[0]!;
  for (const agent of agents) if (agent.free > best.free) best = agent;
  return best;
}

function plainPlacements(): number {
  const times: number[] = [];
  for (let one = 0; one < PLACEMENTS / 10; one++) {
    const taken: PlainAgent[] = [];
    times.push(
      cpuMsOf(() => {
        for (let task = 0; task < TASKS; task++) {
          const agent = leastLoaded(plainAgents);
          agent.free -= SLOTS;
          taken.push(agent);
        }
      }),
    );
    for (const agent of taken) agent.free += SLOTS;
  }
  return percentile(times, 0.99);
}

await benchmark({
  name: 'fleet',
  unit: 'ms p99',
  baselineName: 'a look at every agent for each task',
  samples: 7,
  measure: placements,
  baseline: plainPlacements,
  details: () => ({
    agents: AGENTS,
    tasks: TASKS,
    target: '3,500 agents in 1000 ms; aim: 50,000 in 100 ms',
    heartbeatMsPerSecond: (beatMs * SLICES) / PLACEMENTS,
    bytesPerHeartbeat: beats[0]!.byteLength,
  }),
});

const MANY = 1_000_000;
const NODES = 1000;

await benchmark({
  name: 'fleet-decision',
  unit: 'ns a task',
  baselineName: 'dependencies in objects and a Map, and a look at every node for each task',
  samples: 7,
  measure: () => {
    const ms = cpuMsOf(() => {
      const nodes = new InstantNodes();
      nodes.join(NODES, 4);
      nodes.submit(MANY);
      nodes.run();
      nodes.close();
    });
    return (ms * 1e6) / MANY;
  },
  baseline: () => {
    const agents = plainAgents.slice(0, NODES);
    const ms = cpuMsOf(() => {
      const graph = new ObjectGraph();
      graph.submit(MANY);
      graph.run(() => {
        const agent = leastLoaded(agents);
        agent.free -= 1;
        agent.free += 1;
      });
    });
    return (ms * 1e6) / MANY;
  },
  details: () => ({ tasks: MANY, nodes: NODES, note: 'submission, placement, start and end of a task' }),
});
