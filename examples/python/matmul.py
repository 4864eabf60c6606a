"""Product of two matrices in blocks. Each block of the result is one object that tasks add to, one after the other."""

import argparse
import time

import numpy as np

from pycompss.api.api import compss_barrier, compss_wait_on
from pycompss.api.constraint import constraint
from pycompss.api.parameter import INOUT
from pycompss.api.task import task


@task(returns=np.ndarray)
def random_block(size, seed):
    return np.random.default_rng(seed).random((size, size))


@constraint(computing_units="${COMPUTING_UNITS}")
@task(c=INOUT)
def multiply_add(a, b, c):
    c += a @ b


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--blocks", type=int, default=4)
    parser.add_argument("--size", type=int, default=256)
    options = parser.parse_args()
    blocks, size = options.blocks, options.size
    a = [[random_block(size, row * blocks + column) for column in range(blocks)] for row in range(blocks)]
    b = [[random_block(size, 10_000 + row * blocks + column) for column in range(blocks)] for row in range(blocks)]
    c = [[np.zeros((size, size)) for _ in range(blocks)] for _ in range(blocks)]
    compss_barrier()
    begin = time.perf_counter()
    for row in range(blocks):
        for column in range(blocks):
            for inner in range(blocks):
                multiply_add(a[row][inner], b[inner][column], c[row][column])
    found = np.block(compss_wait_on(c))
    print(f"{blocks ** 3} products of {size} x {size} in {time.perf_counter() - begin:.3f} s")
    exact = np.allclose(found, np.block(compss_wait_on(a)) @ np.block(compss_wait_on(b)))
    print(f"checksum {float(found.sum()):.6f}, as numpy has it: {exact}")


if __name__ == "__main__":
    main()
