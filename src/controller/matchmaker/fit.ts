/** Whether a node meets a component's requirements now, as a bit per kind that it does not meet, and in words. */

import { formatBytes, formatMillicores } from '../../common/quantity.ts';
import type { NodeLabel } from '../../contracts/icos/descriptor/application.ts';
import type { Ledger } from './ledger.ts';
import { REQUIREMENT_KINDS, type RequirementKind, type Requirements } from './requirements.ts';

const BIT = Object.fromEntries(REQUIREMENT_KINDS.map((kind, index) => [kind, 1 << index])) as Record<
  RequirementKind,
  number
>;

/** 0 when the node does. The comparisons are written so that NaN (no metric) never satisfies one. */
export function misfit(ledger: Ledger, index: number, wanted: Requirements): number {
  const { fleet } = ledger;
  let bits = 0;
  if (wanted.cpuMillis !== undefined && !(ledger.cpuMillis[index]! >= wanted.cpuMillis)) bits |= BIT.cpu;
  if (wanted.memoryBytes !== undefined && !(ledger.memoryBytes[index]! >= wanted.memoryBytes)) bits |= BIT.memory;
  if (wanted.architecture !== undefined && fleet.architecture[index] !== wanted.architecture) bits |= BIT.architecture;
  if (wanted.minSecurity !== undefined && !meetsSecurity(fleet.securityScore[index]!, wanted.minSecurity)) {
    bits |= BIT.security;
  }
  if (wanted.devices !== undefined && missingDevice(ledger, index, wanted.devices) !== undefined) bits |= BIT.devices;
  if (wanted.nodeLabels?.some((label) => !hasLabel(fleet.labels[index], label))) bits |= BIT.nodelabel;
  if (wanted.orchestrators?.includes(fleet.orchestrator[index]!) === false) bits |= BIT.orchestrator;
  if (wanted.avoid?.some((place) => place.node === fleet.node[index] && place.cluster === fleet.cluster[index])) {
    bits |= BIT.avoided;
  }
  return bits;
}

/** Level "low" asks for nothing, not even for a score. */
const meetsSecurity = (score: number, least: number): boolean => least <= 0 || score >= least;

function missingDevice(ledger: Ledger, index: number, devices: readonly string[]): string | undefined {
  return devices.find((path, at) => {
    const needed = devices.indexOf(path) === at ? devices.filter((other) => other === path).length : 0;
    return ledger.freeDevices(index, path) < needed;
  });
}

function hasLabel(labels: Readonly<Record<string, string>> | undefined, wanted: NodeLabel): boolean {
  const value = labels !== undefined && Object.hasOwn(labels, wanted.key) ? labels[wanted.key] : undefined;
  if (value === undefined) return false;
  return wanted.values.length === 0 || wanted.values.includes(value);
}

/** The bits of `misfit` as sentences, in the order of the kinds. */
export function explainMisfit(ledger: Ledger, index: number, wanted: Requirements, bits: number): string[] {
  return REQUIREMENT_KINDS.filter((kind) => (bits & BIT[kind]) !== 0).map(
    (kind) => `${kind}: ${EXPLAIN[kind](ledger, index, wanted)}`,
  );
}

export const misfitKinds = (bits: number): RequirementKind[] =>
  REQUIREMENT_KINDS.filter((kind) => (bits & BIT[kind]) !== 0);

type Explain = (ledger: Ledger, index: number, wanted: Requirements) => string;

const EXPLAIN: Readonly<Record<RequirementKind, Explain>> = {
  cpu: ({ fleet, cpuMillis }, index, wanted) =>
    `${formatMillicores(wanted.cpuMillis!)} wanted, ${amount(cpuMillis[index]!, fleet.cpuMillis[index]!, formatMillicores)}`,
  memory: ({ fleet, memoryBytes }, index, wanted) =>
    `${formatBytes(wanted.memoryBytes!)} wanted, ${amount(memoryBytes[index]!, fleet.totalMemory[index]!, formatBytes)}`,
  architecture: ({ fleet }, index, wanted) =>
    `${wanted.architecture} wanted, the node is ${fleet.architecture[index] || 'of unknown architecture'}`,
  devices: (ledger, index, wanted) => {
    const path = missingDevice(ledger, index, wanted.devices!)!;
    const installed = ledger.fleet.devices[index]?.has(path) === true;
    return `${path} ${installed ? 'is busy' : 'is not there'}`;
  },
  nodelabel: ({ fleet }, index, wanted) => {
    const label = wanted.nodeLabels!.find((one) => !hasLabel(fleet.labels[index], one))!;
    const value = fleet.labels[index]?.[label.key];
    const values = label.values.length === 0 ? '' : ` in (${label.values.join(', ')})`;
    return `${label.key}${values} wanted, the node has ${value === undefined ? 'no such label' : value}`;
  },
  security: ({ fleet }, index, wanted) => {
    const score = fleet.securityScore[index]!;
    return `a score of ${wanted.minSecurity} wanted, the node has ${Number.isNaN(score) ? 'none' : score}`;
  },
  orchestrator: ({ fleet }, index, wanted) =>
    `${wanted.orchestrators!.join(' or ')} wanted, the cluster is ${fleet.orchestrator[index] || 'of unknown type'}`,
  avoided: () => 'the component was taken away from here',
};

function amount(free: number, installed: number, format: (value: number) => string): string {
  if (Number.isNaN(free)) return 'unknown here';
  const left = `${format(Math.max(0, free))} free`;
  return Number.isNaN(installed) ? left : `${left} of ${format(installed)}`;
}
