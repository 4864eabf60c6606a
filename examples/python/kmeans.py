"""k-means over points in fragments, in the shape of the PyCOMPSs manual: `metakernel run kmeans.py --points 16000`.

Every fragment is made where its task runs and stays there; only centres and partial sums travel. Runs as plain Python too.
"""

import argparse
import time

import numpy as np

from pycompss.api.api import compss_barrier, compss_wait_on
from pycompss.api.task import task

ARITY = 50


@task(returns=np.ndarray)
def generate_fragment(points, dimensions, seed):
    return np.random.default_rng(seed).random((points, dimensions))


@task(returns=dict)
def partial_sum(fragment, centres):
    """Sum and number of the points that are nearest to each centre."""
    distances = -2.0 * fragment @ centres.T + (centres * centres).sum(axis=1)
    labels = distances.argmin(axis=1)
    counts = np.bincount(labels, minlength=len(centres))
    sums = np.zeros_like(centres)
    for centre in np.flatnonzero(counts):
        sums[centre] = fragment[labels == centre].sum(axis=0)
    return {"sums": sums, "counts": counts}


@task(returns=dict)
def merge(*partials):
    return {
        "sums": np.sum([one["sums"] for one in partials], axis=0),
        "counts": np.sum([one["counts"] for one in partials], axis=0),
    }


def reduced(partials):
    while len(partials) > 1:
        partials = [merge(*partials[at : at + ARITY]) for at in range(0, len(partials), ARITY)]
    return compss_wait_on(partials[0])


def moved(centres, total):
    """A centre without points stays where it is."""
    counts = total["counts"][:, np.newaxis]
    return np.where(counts > 0, total["sums"] / np.maximum(counts, 1), centres)


def kmeans(fragments, centres, iterations, epsilon):
    for done in range(1, iterations + 1):
        before = centres
        centres = moved(before, reduced([partial_sum(fragment, before) for fragment in fragments]))
        if np.linalg.norm(centres - before) < epsilon:
            break
    return centres, done


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--points", type=int, default=16000)
    parser.add_argument("--dimensions", type=int, default=3)
    parser.add_argument("--centres", type=int, default=8)
    parser.add_argument("--fragments", type=int, default=16)
    parser.add_argument("--iterations", type=int, default=20)
    parser.add_argument("--epsilon", type=float, default=1e-9)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args()


def main():
    options = parse_arguments()
    per_fragment = options.points // options.fragments
    begin = time.perf_counter()
    fragments = [
        generate_fragment(per_fragment, options.dimensions, options.seed + index) for index in range(options.fragments)
    ]
    compss_barrier()
    generated = time.perf_counter()
    start = np.random.default_rng(options.seed).random((options.centres, options.dimensions))
    centres, iterations = kmeans(fragments, start, options.iterations, options.epsilon)
    end = time.perf_counter()
    print(f"generated in {generated - begin:.3f} s, {iterations} iterations in {end - generated:.3f} s")
    print(f"checksum {float(np.abs(centres).sum()):.9f}")


if __name__ == "__main__":
    main()
