"""A sweep over parameters with a group that ends at the first combination that is good enough."""

from itertools import product

from pycompss.api.api import TaskGroup, compss_wait_on
from pycompss.api.exceptions import COMPSsException
from pycompss.api.task import task


def score(rate, depth):
    return 1.0 / (1.0 + abs(rate - 0.3) * 10 + abs(depth - 4))


@task(returns=tuple)
def evaluate(rate, depth):
    return score(rate, depth), rate, depth


@task()
def stop_when_found(result, wanted):
    if result[0] >= wanted:
        raise COMPSsException(f"rate {result[1]}, depth {result[2]}")


def main():
    combinations = list(product([0.1, 0.2, 0.3, 0.4], range(2, 8)))
    results = [evaluate(rate, depth) for rate, depth in combinations]
    try:
        with TaskGroup("search"):
            for result in results:
                stop_when_found(result, 0.99)
        print("none is good enough")
    except COMPSsException as found:
        print(f"found: {found.message}")
    print("best", max(compss_wait_on(results)))


if __name__ == "__main__":
    main()
