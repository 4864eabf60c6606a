"""Writes a data set for `train.py`: `python3 make_dataset.py FOLDER --points 800000 --dimensions 100 --grid 4 3`."""

import argparse
import os

import numpy as np


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("--points", type=int, default=800000)
    parser.add_argument("--dimensions", type=int, default=100)
    parser.add_argument("--grid", type=int, nargs=2, default=(4, 3), metavar=("I", "J"))
    parser.add_argument("--clusters", type=int, default=8)
    options = parser.parse_args()
    folder = os.path.join(options.folder, f"dataset_{options.points}_{options.dimensions}")
    os.makedirs(folder, exist_ok=True)
    rows, columns = options.grid
    counts = np.diff(np.linspace(0, options.points, rows * columns + 1).astype(int))
    middles = np.random.default_rng(0).uniform(-10, 10, (options.clusters, options.dimensions))
    for index, count in enumerate(counts):
        source = np.random.default_rng(index + 1)
        points = middles[source.integers(options.clusters, size=count)] + source.normal(size=(count, options.dimensions))
        np.save(os.path.join(folder, f"{index // columns}_{index % columns}.npy"), points)
    print(folder)


if __name__ == "__main__":
    main()
