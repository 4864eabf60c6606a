"""k-means training over a data set that lies in `.npy` fragments on every node.

An agent is asked to run `train` of this module; it finds the tasks in it and spreads them over its pool:

    metakernel call --lang python train train "@/data/dataset_800000_100/0_0.npy,@/data/dataset_800000_100/0_1.npy"

A leading `@` of a name says that the file lies there already. Each fragment is read once, where its first task runs.
"""

import sys
import time

import numpy as np

from kmeans import kmeans
from pycompss.api.api import compss_wait_on
from pycompss.api.task import task

CENTRES = 8
ITERATIONS = 10
EPSILON = 1e-6


@task(returns=np.ndarray)
def load_fragment(path):
    return np.load(path, allow_pickle=False)


@task(returns=np.ndarray)
def first_points(fragment, count):
    """Starting centres: points at equal steps through the fragment, so that every run starts alike."""
    step = max(1, len(fragment) // count)
    return fragment[::step][:count].copy()


def paths_of(names):
    return [name.strip().removeprefix("@") for name in names.split(",") if name.strip()]


@task(returns=np.ndarray)
def train(names, centres=CENTRES, iterations=ITERATIONS):
    paths = paths_of(names)
    if not paths:
        raise ValueError("train needs names of fragments, separated by commas")
    begin = time.perf_counter()
    fragments = [load_fragment(path) for path in paths]
    start = compss_wait_on(first_points(fragments[0], int(centres)))
    found, done = kmeans(fragments, start, int(iterations), EPSILON)
    print(f"trained on {len(paths)} fragments: {done} iterations, {time.perf_counter() - begin:.3f} s")
    print(f"checksum {float(np.abs(found).sum()):.9f}")
    return found


if __name__ == "__main__":
    print(np.round(compss_wait_on(train(",".join(sys.argv[1:]))), 4))
