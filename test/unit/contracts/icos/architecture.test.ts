import { expect, it } from 'vitest';
import { canonicalArchitecture } from '../../../../src/contracts/icos/architecture.ts';

it.each([
  ['intel', 'x86_64'],
  ['AMD64', 'x86_64'],
  ['x86_64', 'x86_64'],
  ['arm64', 'aarch64'],
  ['aarch64', 'aarch64'],
  ['riscv64', 'riscv64'],
])('%s is %s', (name, canonical) => {
  expect(canonicalArchitecture(name)).toBe(canonical);
});
