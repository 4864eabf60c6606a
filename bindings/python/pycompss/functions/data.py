"""Random data in fragments, each made by a task."""

import random
from typing import Any, List, Tuple

from pycompss.api.api import compss_wait_on
from pycompss.api.task import task


def generator(
    size: Tuple[int, int], num_frag: int, seed: int = 0, distribution: str = "random", wait: bool = True
) -> List[Any]:
    """`size`: points and dimensions in all. The first fragments are longer by one where the points do not divide."""
    points, dimensions = size
    base, longer = divmod(points, num_frag)
    fragments = [
        _fragment(base + (1 if index < longer else 0), dimensions, seed + index, distribution)
        for index in range(num_frag)
    ]
    return compss_wait_on(fragments) if wait else fragments


@task(returns=list)
def _fragment(points, dimensions, seed, distribution):
    draw = _drawing(distribution, random.Random(seed))
    return [[draw() for _ in range(dimensions)] for _ in range(points)]


def _drawing(distribution, source):
    if distribution == "normal":
        return lambda: source.gauss(0.0, 1.0)
    if distribution == "uniform":
        return lambda: source.uniform(-1.0, 1.0)
    if distribution == "random":
        return source.random
    raise ValueError(f"distribution {distribution!r} is none of random, normal, uniform")
