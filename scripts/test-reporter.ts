import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import type { TestCase, TestModule } from 'vitest/node';
import type { Reporter } from 'vitest/reporters';
import type { Summary } from './test-summary.ts';

/** Longest text of an error in the summary, in characters: the run above it has the whole. */
const ERROR_LENGTH = 600;

interface Thrown {
  readonly message?: string;
  readonly stack?: string;
}

/** Counts what ran, for scripts/test.ts, into the file that METAKERNEL_TEST_SUMMARY names. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly unknown[]): void {
    const file = process.env['METAKERNEL_TEST_SUMMARY'];
    if (file === undefined) return;
    const cases = modules.flatMap((module) => [...module.children.allTests()]);
    const inState = (...states: string[]): TestCase[] => cases.filter((test) => states.includes(test.result().state));
    const summary: Summary = {
      passed: inState('passed').length,
      failed: [
        ...inState('failed', 'pending').map(describeFailure),
        // A file that does not load, a hook or a stray promise that throws has no test of its own.
        ...modules.filter((module) => module.state() === 'failed' && module.errors().length > 0).map(describeModule),
        ...unhandledErrors.map((error) => `outside of the tests: ${describeErrors([error as Thrown])}`),
      ],
      unstable: cases.filter((test) => test.diagnostic()?.flaky === true).map(describeFailure),
      skipped: inState('skipped').map(describeSkip),
    };
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, JSON.stringify(summary));
  }
}

function describeSkip(test: TestCase): string {
  const result = test.result();
  const note = result.state === 'skipped' ? result.note : undefined;
  return `${nameOf(test)}: ${note ?? 'no reason given'}`;
}

function describeFailure(test: TestCase): string {
  const result = test.result();
  return `${nameOf(test)}: ${result.state === 'pending' ? 'did not end' : describeErrors(result.errors ?? [])}`;
}

function describeModule(module: TestModule): string {
  return `${module.relativeModuleId}: ${describeErrors(module.errors())}`;
}

function nameOf(test: TestCase): string {
  return `${test.module.relativeModuleId} > ${test.fullName}`;
}

/** One line: what was thrown, and where in this project. */
function describeErrors(errors: readonly Thrown[]): string {
  return errors
    .map(({ message = 'no message', stack = '' }) => {
      const place =
        /\((?:file:\/\/)?[^()]*?((?:src|test|scripts|bin)\/[^()]+)\)|at .*?((?:src|test|scripts)\/\S+)/.exec(stack);
      return `${message} (${place?.[1] ?? place?.[2] ?? 'no place'})`;
    })
    .join(' | ')
    .replaceAll(/\s+/g, ' ')
    .slice(0, ERROR_LENGTH);
}
