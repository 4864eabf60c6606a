import { task, waitOn } from 'metakernel';

const parse = task({ name: 'parse', onFailure: 'FAIL' }, (text: string): number => {
  if (!/^\d+$/.test(text)) throw new RangeError(`${text} is no number`);
  return Number(text);
});
const double = task({ name: 'double' }, (x: number): number => 2 * x);
const parseOrNothing = task({ name: 'parseOrNothing', onFailure: 'IGNORE' }, (text: string): number => {
  throw new RangeError(`${text} is not looked at`);
});

export async function main(): Promise<unknown> {
  let caught: unknown;
  try {
    await waitOn(double(parse('twelve'))); // what depends on the failed task fails too
  } catch (error) {
    const cause = (error as Error).cause as Error; // the error of the function itself
    caught = `${cause.name}: ${cause.message}`;
  }
  const ignored = await waitOn(parseOrNothing('13')); // IGNORE: as if it had given nothing
  return [caught, ignored ?? 'nothing'];
}
