/**
 * Work of so many microseconds. By the clock and not by a count of iterations: what other processes take of the machine
 * meanwhile then lengthens neither side's work, and only what lies between tasks is measured.
 */
export function kernel(microseconds: number): number {
  const end = performance.now() + microseconds / 1000;
  let turns = 0;
  while (performance.now() < end) turns += 1;
  return turns;
}
