/** Wall-clock milliseconds with sub-millisecond digits that never go back within a process. */
export function createClock(): { now(): number } {
  return { now: () => performance.timeOrigin + performance.now() };
}
