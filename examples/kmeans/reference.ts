/**
 * The same k-means in one process with the plain kernel and no runtime, to compare with. As a program:
 * `node reference.ts '{"files": ["a.npy"], "k": 8, "iterations": 20, "epsilon": 0.0001, "seed": 1, "standardise": false}'`
 * prints one JSON line per iteration and at last its model.
 */
import { twinKernel } from './kernel-twin.ts';
import { mergeStep, type Step } from './lloyd.ts';
import {
  buildModel,
  checkSummaries,
  chooseCentres,
  type Fragment,
  type KmeansOptions,
  type Model,
  readFragment,
  sampleFragment,
} from './model.ts';
import { applyScale, momentsOf, type Scale, scaleOf } from './scaling.ts';

export function referenceKmeans(
  files: readonly string[],
  options: KmeansOptions,
  onStep: (iteration: number, step: Step) => void = () => undefined,
): Model {
  const loaded = files.map((file) => readFragment(file, (length) => new Float64Array(length)));
  const summaries = loaded.map(([, summary]) => summary);
  const fragments = loaded.map(([fragment]) => fragment);
  checkSummaries(summaries);
  const scale = options.standardise ? standardise(fragments) : undefined;
  const { dims } = fragments[0]!;
  const samples = fragments.map((fragment, i) => sampleFragment(fragment, i, options));
  let centres = chooseCentres(samples, dims, options);
  for (let iterations = 1; ; iterations++) {
    const start = centres;
    const step = mergeStep(
      start,
      fragments.map(({ points }) => twinKernel.partialSums(points, start, dims)),
    );
    centres = step.centres;
    onStep(iterations, step);
    const converged = step.shift <= options.epsilon;
    if (converged || iterations >= options.iterations) {
      return buildModel(summaries, step, { iterations, converged }, scale);
    }
  }
}

function standardise(fragments: readonly Fragment[]): Scale {
  const scale = scaleOf(fragments.map(({ points, dims }) => momentsOf(points, dims)));
  for (const { points } of fragments) applyScale(points, scale, points);
  return scale;
}

if (import.meta.main) {
  const { files, ...options } = JSON.parse(process.argv[2] ?? '{}') as KmeansOptions & { files: string[] };
  const model = referenceKmeans(files, options, (iteration, { inertia, shift }) => {
    console.log(JSON.stringify({ iteration, inertia, shift }));
  });
  console.log(JSON.stringify(model));
}
