import { defineConfig } from 'vitest/config';

/** One project per kind of test, so that `npm run check` can take the fast ones alone. */
const project = (name: string, testTimeout: number, extra: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: testTimeout, ...extra },
});

/**
 * Real programs on a busy machine: a test that passes only at the second try is named at the end of the run. Only where
 * nobody can run it again; who develops sees the first failure.
 */
const real = { retry: process.env['CI'] ? 1 : 0 };

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    pool: 'forks',
    execArgv: ['--conditions=source', '--expose-gc'],
    // A machine that is busy with other tests answers late; what never comes fails a little later.
    expect: { poll: { timeout: 30_000 } },
    reporters: process.env['CI'] ? ['default'] : ['dot'],
    projects: [
      project('unit', 60_000),
      project('property', 120_000),
      project('conformance', 60_000, real),
      project('integration', 120_000, real),
      project('e2e', 300_000, { fileParallelism: false, ...real }),
      project('long', 1_800_000, { fileParallelism: false, ...real }),
      {
        extends: true,
        test: {
          name: 'types',
          include: [],
          typecheck: { enabled: true, only: true, include: ['test/types/**/*.test-d.ts'] },
        },
      },
    ],
  },
});
