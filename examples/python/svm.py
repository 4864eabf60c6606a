"""A cascade of support vector machines: each task keeps the support vectors of its part, pairs of parts are trained again
on what both kept, until one machine is left. Its vectors are fed back to every part until it changes no more.
"""

import argparse

import numpy as np

from pycompss.api.api import compss_delete_object, compss_wait_on
from pycompss.api.parameter import COLLECTION_IN
from pycompss.api.task import task

GAMMA = 0.5
PENALTY = 1.0


def kernel(left, right):
    squares = (left * left).sum(axis=1)[:, None] - 2.0 * left @ right.T + (right * right).sum(axis=1)[None, :]
    return np.exp(-GAMMA * squares) + 1.0


def weights_of(x, y, passes=200, tolerance=1e-4):
    """Of the dual problem, by coordinate ascent; the kernel carries the constant term."""
    products = kernel(x, x) * y[:, None] * y[None, :]
    weights = np.zeros(len(y))
    for _ in range(passes):
        moved = 0.0
        for index in range(len(y)):
            before = weights[index]
            step = (1.0 - products[index] @ weights) / products[index, index]
            weights[index] = min(max(before + step, 0.0), PENALTY)
            moved = max(moved, abs(weights[index] - before))
        if moved < tolerance:
            break
    return weights


@task(returns=4)
def make_part(points, seed):
    """Points within a ring or inside it, their labels, their numbers, and how many there are."""
    source = np.random.default_rng(seed)
    angles, inside = source.uniform(0, 2 * np.pi, points), source.random(points) < 0.5
    radii = np.where(inside, source.uniform(0, 1, points), source.uniform(1.2, 2.2, points))
    x = np.stack([radii * np.cos(angles), radii * np.sin(angles)], axis=1)
    return x, np.where(inside, 1.0, -1.0), np.arange(points) + seed * points, points


@task(parts=COLLECTION_IN, returns=2)
def train(parts):
    """Support vectors (points, labels, numbers) of all parts together, and their weights."""
    x, y, numbers = (np.concatenate([part[column] for part in parts]) for column in range(3))
    _, once = np.unique(numbers, return_index=True)
    x, y, numbers = x[once], y[once], numbers[once]
    weights = weights_of(x, y)
    kept = weights > 1e-6
    return (x[kept], y[kept], numbers[kept]), weights[kept]


@task(returns=1)
def joined(x, y, numbers):
    return x, y, numbers


@task(returns=int)
def hits(x, y, vectors, weights):
    """How many points the machine gets right."""
    points, labels, _ = vectors
    return int((np.sign(kernel(x, points) @ (weights * labels)) == y).sum())


@task(counts=COLLECTION_IN, returns=float)
def share(counts, total):
    return sum(counts) / total


def cascade(parts, vectors):
    """One round: the machine that all parts together give, with the vectors of the last round in every part."""
    level = [train([part] if vectors is None else [part, vectors]) for part in parts]
    while len(level) > 1:
        above = [train([one[0] for one in level[at : at + 2]]) for at in range(0, len(level), 2)]
        compss_delete_object(*[one for pair in level for one in pair])
        level = above
    return level[0]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--parts", type=int, default=4)
    parser.add_argument("--points", type=int, default=80)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    made = [make_part(options.points, seed) for seed in range(options.parts)]
    parts = [joined(x, y, numbers) for x, y, numbers, _ in made]
    vectors, weights, known = None, None, set()
    for done in range(1, options.rounds + 1):
        vectors, weights = compss_wait_on(*cascade(parts, vectors))
        numbers = {int(one) for one in vectors[2]}
        if numbers == known:
            break
        known = numbers
    right = share([hits(x, y, vectors, weights) for x, y, _, _ in made], options.parts * options.points)
    print(f"{done} rounds, {len(known)} support vectors, weights {weights.sum():.4f}")
    print(f"accuracy {compss_wait_on(right):.3f}")


if __name__ == "__main__":
    main()
