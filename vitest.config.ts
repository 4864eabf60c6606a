import { defineConfig } from 'vitest/config';

/** One project per kind of test, so that `npm run check` can take the fast ones alone. */
const project = (name: string, testTimeout: number, extra: object = {}) => ({
  extends: true as const,
  test: { name, include: [`test/${name}/**/*.test.ts`], testTimeout, hookTimeout: testTimeout, ...extra },
});

export default defineConfig({
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    pool: 'forks',
    execArgv: ['--conditions=source', '--expose-gc'],
    reporters: process.env['CI'] ? ['default'] : ['dot'],
    projects: [
      project('unit', 60_000),
      project('property', 120_000),
      project('conformance', 60_000),
      project('integration', 120_000),
      project('e2e', 300_000, { fileParallelism: false }),
      project('long', 1_800_000, { fileParallelism: false }),
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
