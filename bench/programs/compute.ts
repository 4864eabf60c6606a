/** What Piscina runs in the place of the tasks of Task Bench. */
import { kernel } from '../support/kernel.ts';

export default ({ microseconds }: { microseconds: number; needs: readonly number[] }): number => kernel(microseconds);
