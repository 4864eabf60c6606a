import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { TestCase, TestModule } from 'vitest/node';
import type { Reporter } from 'vitest/reporters';
import type { Summary } from './test-summary.ts';

/** Counts what ran, for scripts/test.ts, into the file that METAKERNEL_TEST_SUMMARY names. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const file = process.env['METAKERNEL_TEST_SUMMARY'];
    if (file === undefined) return;
    const cases = modules.flatMap((module) => [...module.children.allTests()]);
    const summary: Summary = {
      passed: cases.filter((test) => test.result().state === 'passed').length,
      // A file that does not load, a hook or a stray promise that throws has no test of its own.
      failed:
        cases.filter((test) => test.result().state === 'failed' || test.result().state === 'pending').length +
        modules.filter((module) => module.state() === 'failed' && module.errors().length > 0).length +
        unhandledErrors.length,
      skipped: cases.filter((test) => test.result().state === 'skipped').map(describeSkip),
    };
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(summary));
  }
}

function describeSkip(test: TestCase): string {
  const result = test.result();
  const note = result.state === 'skipped' ? result.note : undefined;
  return `${test.module.relativeModuleId} > ${test.fullName}: ${note ?? 'no reason given'}`;
}
