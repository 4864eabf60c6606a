"""Baselines of the k-means benchmark: prints iterations per second of the loop alone, the points being in memory.

partial-sums: one partial sum per file as dislib's KMeans has it (distances by one matrix product, argmin, a sum over the
rows of each centre), in forked processes with one BLAS thread each. lloyd: scikit-learn's own, on its own threads.
"""
import json
import multiprocessing
import os
import sys
import time

options = json.loads(sys.argv[1])
workers = options["workers"]
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1" if options["engine"] == "partial-sums" else str(workers)

import numpy as np  # noqa: E402  the number of its threads is read at its import

fragments = [np.load(path) for path in options["files"]]


def partial_sum(task):
    index, centres = task
    points = fragments[index]
    distances = -2.0 * (points @ centres.T)
    distances += np.einsum("ij,ij->i", points, points)[:, None]
    distances += np.einsum("ij,ij->i", centres, centres)[None, :]
    nearest = distances.argmin(axis=1)
    sums = np.zeros_like(centres)
    counts = np.zeros(len(centres))
    for centre in range(len(centres)):
        rows = np.flatnonzero(nearest == centre)
        sums[centre] = points[rows].sum(axis=0)
        counts[centre] = len(rows)
    return sums, counts


def partial_sums(k, iterations):
    centres = fragments[0][:k].copy()
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        started = 0.0
        for iteration in range(iterations):
            if iteration == 1:
                started = time.perf_counter()
            tasks = [(index, centres) for index in range(len(fragments))]
            partials = pool.map(partial_sum, tasks, chunksize=1)
            sums = sum(partial[0] for partial in partials)
            counts = sum(partial[1] for partial in partials)
            centres = sums / np.maximum(counts, 1)[:, None]
        return (iterations - 1) / (time.perf_counter() - started)


def lloyd(k, iterations):
    import warnings

    from sklearn.cluster import KMeans

    warnings.simplefilter("ignore")
    points = np.concatenate(fragments)
    fragments.clear()

    def fit(most):
        started = time.perf_counter()
        model = KMeans(k, init=points[:k], n_init=1, max_iter=most, tol=0, algorithm="lloyd").fit(points)
        return time.perf_counter() - started, model.n_iter_

    short, few = fit(2)
    long, many = fit(iterations + 2)
    return (many - few) / (long - short)


engines = {"partial-sums": partial_sums, "lloyd": lloyd}
print(engines[options["engine"]](options["k"], options["iterations"]))
