"""A random forest whose data set and trees lie in files: each tree is trained by a task and written to a file of its own."""

import os
import pickle
import tempfile

import numpy as np

from pycompss.api.api import compss_wait_on
from pycompss.api.parameter import COLLECTION_FILE_IN, FILE_IN, FILE_OUT
from pycompss.api.task import task


@task(path=FILE_OUT)
def write_data(path, points, seed):
    source = np.random.default_rng(seed)
    x = source.uniform(-1, 1, (points, 4))
    with open(path, "wb") as file:
        np.savez(file, x=x, y=(x[:, 0] * x[:, 1] > 0).astype(int))


def best_split(x, y, features):
    """Feature and threshold with the lowest Gini impurity."""
    best = (np.inf, features[0], 0.0)
    for feature in features:
        for threshold in np.quantile(x[:, feature], np.linspace(0.05, 0.95, 19)):
            left = x[:, feature] <= threshold
            impurity = 0.0
            for side in (y[left], y[~left]):
                share = side.mean() if len(side) else 0.0
                impurity += len(side) * share * (1 - share)
            best = min(best, (impurity, feature, float(threshold)))
    return best[1], best[2]


def grow(x, y, source, depth):
    if depth == 0 or len(y) < 8 or y.min() == y.max():
        return float(y.mean()) if len(y) else 0.5
    feature, threshold = best_split(x, y, source.permutation(x.shape[1])[:3])
    left = x[:, feature] <= threshold
    if left.all() or not left.any():
        return float(y.mean())
    return feature, threshold, grow(x[left], y[left], source, depth - 1), grow(x[~left], y[~left], source, depth - 1)


def predict_one(tree, point):
    while isinstance(tree, tuple):
        feature, threshold, left, right = tree
        tree = left if point[feature] <= threshold else right
    return tree


@task(data=FILE_IN, model=FILE_OUT)
def train_tree(data, model, seed, depth):
    with np.load(data) as content:
        x, y = content["x"], content["y"]
    source = np.random.default_rng(seed)
    chosen = source.integers(len(y), size=len(y))
    with open(model, "wb") as file:
        pickle.dump(grow(x[chosen], y[chosen], source, depth), file)


@task(data=FILE_IN, models=COLLECTION_FILE_IN, returns=float)
def accuracy(data, models):
    with np.load(data) as content:
        x, y = content["x"], content["y"]
    trees = []
    for path in models:
        with open(path, "rb") as file:
            trees.append(pickle.load(file))
    votes = np.array([[predict_one(tree, point) for tree in trees] for point in x]).mean(axis=1)
    return float(((votes > 0.5) == y).mean())


def main():
    with tempfile.TemporaryDirectory(prefix="forest-") as folder:
        train, test = os.path.join(folder, "train.npz"), os.path.join(folder, "test.npz")
        write_data(train, 600, 1)
        write_data(test, 200, 2)
        models = [os.path.join(folder, f"tree{index}.pkl") for index in range(12)]
        for index, model in enumerate(models):
            train_tree(train, model, index, 6)
        print(f"accuracy {compss_wait_on(accuracy(test, models)):.3f}")


if __name__ == "__main__":
    main()
