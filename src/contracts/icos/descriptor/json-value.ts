import { RuntimeError } from '../../../common/errors.ts';
import type { JsonValue } from './application.ts';
import { invalidDescriptor } from './issues.ts';
import type { DescriptorLimits } from './limits.ts';
import type { DescriptorDocument } from './yaml-text.ts';
import { isObject } from './yaml-value.ts';
import { writeYaml } from './yaml-writer.ts';

/** A descriptor that came as JSON, under the same limits as one in YAML. */
export function jsonDocuments(body: unknown, limits: DescriptorLimits): readonly DescriptorDocument[] {
  const values = (Array.isArray(body) ? body : [body]) as readonly JsonValue[];
  if (values.length > limits.maxDocuments) {
    throw invalidDescriptor('(document)', `has more than ${limits.maxDocuments} documents`);
  }
  const budget = { nodes: limits.maxNodes, characters: limits.maxBytes };
  return values.map((value) => {
    spend(value, '', 0, budget, limits);
    if (!isObject(value)) throw invalidDescriptor('(document)', 'is not a map');
    return {
      value,
      get source() {
        return writeYaml(value);
      },
    };
  });
}

interface Budget {
  nodes: number;
  characters: number;
}

function spend(value: JsonValue, path: string, depth: number, budget: Budget, limits: DescriptorLimits): void {
  budget.nodes -= 1;
  if (budget.nodes < 0) throw invalidDescriptor(path || '(document)', `holds more than ${limits.maxNodes} values`);
  if (depth > limits.maxDepth) {
    throw invalidDescriptor(path || '(document)', `is nested deeper than ${limits.maxDepth} levels`);
  }
  if (typeof value === 'string') spendText(value, budget, limits);
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    if (key === '__proto__') throw invalidDescriptor(path || '(document)', 'has a key that is reserved');
    spendText(key, budget, limits);
    const memberPath = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    spend(member as JsonValue, memberPath, depth + 1, budget, limits);
  }
}

function spendText(text: string, budget: Budget, limits: DescriptorLimits): void {
  budget.characters -= text.length;
  if (budget.characters < 0) {
    throw new RuntimeError('ERR_DESCRIPTOR_TOO_LARGE', {
      bytes: `more than ${limits.maxBytes}`,
      limit: limits.maxBytes,
    });
  }
}
