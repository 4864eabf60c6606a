import type { RunRecord } from '../run-record.ts';

/** Units that the variables name; threads have an environment of their own. */
let threads = 0;
let devices: string | undefined = process.env['CUDA_VISIBLE_DEVICES'];
const devicesOutside = devices;

/**
 * Shows an attempt its units and devices where native libraries look for them. Attempts that share a thread see those of
 * the one that began last: `currentTask()` is exact.
 */
export function showResources({ cpus, extra }: RunRecord): void {
  if (cpus !== threads) {
    threads = cpus;
    process.env['COMPSS_NUM_THREADS'] = String(cpus);
    process.env['OMP_NUM_THREADS'] = String(cpus);
  }
  const visible = extra?.gpus?.join(',') ?? devicesOutside;
  if (visible === devices) return;
  devices = visible;
  if (visible === undefined) delete process.env['CUDA_VISIBLE_DEVICES'];
  else process.env['CUDA_VISIBLE_DEVICES'] = visible;
}
