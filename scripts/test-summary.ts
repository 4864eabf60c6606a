/** What a test run came to. `failed`, `unstable` and `skipped` say what and why, a line each. */
export interface Summary {
  readonly passed: number;
  readonly failed: readonly string[];
  /** Passed, but not at the first try: counted in `passed`, and a defect of the test or of what it tests. */
  readonly unstable: readonly string[];
  readonly skipped: readonly string[];
}

export function failure(reason: string): Summary {
  return { passed: 0, failed: [reason], unstable: [], skipped: [] };
}

export function addSummaries(summaries: readonly Summary[]): Summary {
  return {
    passed: summaries.reduce((sum, { passed }) => sum + passed, 0),
    failed: summaries.flatMap(({ failed }) => failed),
    unstable: summaries.flatMap(({ unstable }) => unstable),
    skipped: summaries.flatMap(({ skipped }) => skipped),
  };
}

export function summaryLine({ passed, failed, skipped }: Summary): string {
  return `${passed} passed, ${failed.length} failed, ${skipped.length} skipped`;
}

/** The last lines of a run: whoever sees only the end of its output must find the failures there. */
export function report(summary: Summary): readonly string[] {
  return [
    ...summary.skipped.map((line) => `skipped: ${line}`),
    ...summary.unstable.map((line) => `passed at the second try: ${line}`),
    ...summary.failed.map((line) => `FAILED: ${line}`),
    summaryLine(summary),
  ];
}
