import { afterAll } from 'vitest';
import { createObjectStore } from '../../src/runtime/data/object-store.ts';
import { tempDir } from '../support/temp-dir.ts';
import { objectStoreSuite } from './object-store.ts';

const dir = tempDir('spill');
afterAll(() => dir[Symbol.dispose]());

objectStoreSuite('slab with a spill disk', true, (limitBytes) =>
  createObjectStore({ limitBytes, spillDirectory: dir.path }),
);
objectStoreSuite('slab, spilling only when it must', true, (limitBytes) =>
  createObjectStore({ limitBytes, spillDirectory: dir.path, writeAhead: 0 }),
);
objectStoreSuite('slab without a spill disk', false, (limitBytes) => createObjectStore({ limitBytes }));
