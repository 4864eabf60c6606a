"""Daura clustering of conformations: the point with the most neighbours within a cut-off and these neighbours are a cluster,
they are taken away, and so on until nobody has a neighbour left. The neighbours of each row of blocks stay in one object
that tasks change in place.
"""

import argparse

import numpy as np

from pycompss.api.api import compss_wait_on
from pycompss.api.parameter import COLLECTION_IN, COLLECTION_OUT, INOUT, Depth, Type
from pycompss.api.task import task


@task(blocks={Type: COLLECTION_OUT, Depth: 1})
def distances(blocks, row, size, seed):
    """One row of blocks of the matrix of distances; every task makes the same points."""
    points = np.random.default_rng(seed).normal(size=(size * len(blocks), 3))
    own = points[row * size : (row + 1) * size]
    for column in range(len(blocks)):
        other = points[column * size : (column + 1) * size]
        blocks[column] = np.sqrt(((own[:, None, :] - other[None, :, :]) ** 2).sum(axis=2))


@task(returns=1)
def neighbours(block, first_column, cut_off):
    return [np.flatnonzero(row <= cut_off) + first_column for row in block]


@task(found=COLLECTION_IN, returns=list)
def merged(found, first_row):
    """A set of numbers for each row, without the row itself."""
    sets = [set(int(one) for part in parts for one in part) for parts in zip(*found)]
    for row, numbers in enumerate(sets):
        numbers.discard(first_row + row)
    return sets


@task(returns=1)
def candidate(sets, first_row):
    best = max(range(len(sets)), key=lambda row: len(sets[row]))
    return [first_row + best] + sorted(sets[best])


@task(candidates=COLLECTION_IN, returns=1)
def largest(candidates):
    return max(candidates, key=len)


@task(sets=INOUT)
def take_away(sets, cluster, first_row):
    gone = set(cluster)
    for row in range(len(sets)):
        sets[row] = set() if first_row + row in gone else sets[row] - gone


def clusters_of(rows, size, cut_off):
    sets = [
        merged([neighbours(block, column * size, cut_off) for column, block in enumerate(blocks)], row * size)
        for row, blocks in enumerate(rows)
    ]
    while True:
        cluster = compss_wait_on(largest([candidate(one, row * size) for row, one in enumerate(sets)]))
        if len(cluster) < 2:
            return
        yield cluster
        for row, one in enumerate(sets):
            take_away(one, cluster, row * size)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=3)
    parser.add_argument("--size", type=int, default=40)
    parser.add_argument("--cut-off", type=float, default=0.6)
    options = parser.parse_args()
    rows = [[object() for _ in range(options.blocks)] for _ in range(options.blocks)]
    for row, blocks in enumerate(rows):
        distances(blocks, row, options.size, 1)
    found = list(clusters_of(rows, options.size, options.cut_off))
    print(f"{len(found)} clusters of {sum(map(len, found))} points, the largest around {found[0][0]}")
    print("sizes", [len(cluster) for cluster in found])


if __name__ == "__main__":
    main()
