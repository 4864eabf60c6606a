/** Timelines in the Chrome trace format (chrome://tracing, Perfetto): a row for each slot of a node. */
import type { TimelineData } from '../backend.ts';

type Attempt = TimelineData['attempts'][number];

export interface TraceEvent {
  readonly name: string;
  readonly ph: 'X' | 'M' | 'b' | 'e';
  readonly pid: number;
  readonly tid: number;
  /** Microseconds since the epoch. */
  readonly ts?: number;
  readonly dur?: number;
  readonly cat?: string;
  readonly id?: string;
  readonly args?: Readonly<Record<string, unknown>>;
}

export interface ChromeTrace {
  readonly displayTimeUnit: 'ms';
  readonly traceEvents: readonly TraceEvent[];
}

const MICROS = 1000;
/** Row of the transfers into a node, below its slots. */
const TRANSFER_ROW = 10_000;

/** `now` ends what is still going on. */
export function timelineToTrace(timeline: TimelineData, now: number): ChromeTrace {
  const nodes = new Map<string, number>();
  const pidOf = (node: string): number => {
    const known = nodes.get(node) ?? nodes.size + 1;
    nodes.set(node, known);
    return known;
  };
  const attempts = withSlots(timeline.attempts, now).map(({ attempt, slot }) =>
    attemptEvent(attempt, slot, pidOf, now),
  );
  const transfers = timeline.transfers.flatMap((transfer, index) => transferEvents(transfer, index, pidOf, now));
  return { displayTimeUnit: 'ms', traceEvents: [...rowNames(nodes, attempts, transfers), ...attempts, ...transfers] };
}

function attemptEvent(attempt: Attempt, slot: number, pidOf: (node: string) => number, now: number): TraceEvent {
  const { task, signature, node, startedAt, endedAt, status } = attempt;
  return {
    name: signature,
    cat: 'task',
    ph: 'X',
    pid: pidOf(node),
    tid: slot,
    ts: startedAt * MICROS,
    dur: Math.max(0, (endedAt ?? now) - startedAt) * MICROS,
    args: { task, attempt: attempt.attempt, status },
  };
}

type Transfer = TimelineData['transfers'][number];

function transferEvents(transfer: Transfer, index: number, pidOf: (node: string) => number, now: number): TraceEvent[] {
  const { version, from, to, bytes, startedAt, endedAt, failed } = transfer;
  const common = { name: version, cat: 'transfer', id: `x${index}`, pid: pidOf(to), tid: TRANSFER_ROW };
  const args = { bytes, from: from ?? 'unknown', to, ...(failed === true ? { failed } : {}) };
  return [
    { ...common, ph: 'b', ts: startedAt * MICROS, args },
    { ...common, ph: 'e', ts: (endedAt ?? now) * MICROS },
  ];
}

/** Attempts without a slot get the lowest row of their node that is free when they start. */
function withSlots(attempts: readonly Attempt[], now: number): { readonly attempt: Attempt; readonly slot: number }[] {
  const freeAt = new Map<string, number[]>();
  return [...attempts]
    .sort((a, b) => a.startedAt - b.startedAt)
    .map((attempt) => {
      const rows = freeAt.get(attempt.node) ?? [];
      freeAt.set(attempt.node, rows);
      const found = attempt.slot ?? rows.findIndex((free) => free <= attempt.startedAt);
      const slot = found === -1 ? rows.length : found;
      rows[slot] = attempt.endedAt ?? now;
      return { attempt, slot };
    });
}

function rowNames(nodes: ReadonlyMap<string, number>, ...lists: readonly TraceEvent[][]): TraceEvent[] {
  const names: TraceEvent[] = [...nodes].map(([node, pid]) => meta('process_name', pid, 0, node));
  const seen = new Set<string>();
  for (const { pid, tid } of lists.flat()) {
    const key = `${pid}/${tid}`;
    if (seen.has(key)) continue;
    seen.add(key);
    names.push(meta('thread_name', pid, tid, tid === TRANSFER_ROW ? 'transfers' : `slot ${tid}`));
  }
  return names;
}

const meta = (name: string, pid: number, tid: number, value: string): TraceEvent => ({
  name,
  ph: 'M',
  pid,
  tid,
  args: { name: value },
});
