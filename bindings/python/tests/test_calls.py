"""Decorators of the program's, nesting, threads, deletions at any moment, functions that travel with their calls."""

import functools
import gc
import importlib.util
import threading
import unittest

from metakernel.errors import TaskError
from pycompss.api.api import compss_barrier, compss_delete_object, compss_set_wall_clock, compss_wait_on
from pycompss.api.constraint import constraint
from pycompss.api.on_failure import on_failure
from pycompss.api.parameter import COLLECTION_IN, INOUT
from pycompss.api.task import task
from pycompss.functions.elapsed_time import timeit
from pycompss.functions.reduce import merge_reduce
from pycompss.runtime.management.classes import Future
from tests.case import LinkCase

BY_VALUE = importlib.util.find_spec("cloudpickle") or importlib.util.find_spec("dill")


def noted(function):
    @functools.wraps(function)
    def with_note(*args, **kwargs):
        result = function(*args, **kwargs)
        return result if isinstance(result, Future) else ["noted", result]

    return with_note


@noted
@task(returns=1)
def above(value):
    return value


@task(returns=1)
@noted
def below(value):
    return value


@on_failure(management="IGNORE", returns="default")
@noted
@constraint(computing_units=1)
@task(returns=1)
def between(value):
    raise ValueError(value)


@task(returns=1)
@timeit()
def timed(value):
    return value


@task(returns=1)
def fibonacci(number):
    if number < 2:
        return number
    parts = [fibonacci(number - 1), fibonacci(number - 2)]
    return sum(compss_wait_on(parts))


@task(returns=1)
def inc(value):
    return value + 1


@task(returns=1)
def passed_on(value):
    return inc(inc(value))


@task(returns=2)
def two_passed_on(value):
    return inc(value), value


@task(values=INOUT)
def nested_append(values):
    append(values, 1)
    values = compss_wait_on(values)
    assert values[-1] == 1


@task(values=INOUT)
def append(values, one):
    values.append(one)


@task(returns=1)
def add(left, right):
    return left + right


@task(values=COLLECTION_IN, returns=1)
def total(values):
    return sum(values)


@task(returns=1, numba=True)
def compiled(value):
    return value * 2


class Releasing:
    """Deletes what it holds when it is collected, which may be in the middle of anything."""

    def __init__(self, value):
        self.future = inc(value)
        self.circle = self

    def __del__(self):
        compss_delete_object(self.future)


class CallsTest(LinkCase):
    def test_decorators_of_the_program(self):
        self.assertEqual(compss_wait_on(above(1)), ["noted", 1])
        self.assertEqual(compss_wait_on(below(1)), ["noted", 1])
        self.assertEqual(compss_wait_on(between(1)), "default")
        value, seconds = compss_wait_on(timed(3))
        self.assertEqual((value, seconds >= 0), (3, True))

    def test_nesting(self):
        self.assertEqual(compss_wait_on(fibonacci(7)), 13)

    def test_futures_of_children_are_passed_on(self):
        self.assertEqual(compss_wait_on(passed_on(1)), 3)
        self.assertEqual(compss_wait_on(two_passed_on(1)), [2, 1])

    def test_reductions_by_calls(self):
        self.assertEqual(compss_wait_on(merge_reduce(add, [inc(one) for one in range(10)])), 55)

    def test_many_at_once(self):
        self.assertEqual(compss_wait_on([inc(one) for one in range(500)]), list(range(1, 501)))

    def test_threads_submit(self):
        found = {}

        def work(name):
            found[name] = compss_wait_on(total([inc(name + one) for one in range(20)]))

        threads = [threading.Thread(target=work, args=(name,)) for name in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, {name: sum(name + one + 1 for one in range(20)) for name in range(4)})

    def test_deletions_at_any_moment(self):
        kept = []
        for one in range(200):
            Releasing(one)
            kept.append(inc(one))
            if one % 50 == 0:
                gc.collect()
        gc.collect()
        self.assertEqual(compss_wait_on(kept), list(range(1, 201)))
        compss_barrier()

    def test_a_loop_without_waits_keeps_only_what_is_named(self):
        value = 0
        for _ in range(300):
            value = inc(value)
        self.assertEqual(compss_wait_on(value), 300)

    @unittest.skipUnless(BY_VALUE, "neither cloudpickle nor dill is installed")
    def test_functions_inside_functions(self):
        factor = 7

        @task(returns=1)
        def times(value):
            return factor * value

        @task(values=INOUT)
        def extend(values):
            values.append(factor)

        values = []
        extend(values)
        self.assertEqual(compss_wait_on(times(6), values), [42, [7]])

    @unittest.skipIf(importlib.util.find_spec("numba"), "numba is installed")
    def test_numba_that_is_not_installed(self):
        with self.assertRaises(TaskError) as raised:
            compss_wait_on(compiled(2))
        self.assertIn("numba is not installed", str(raised.exception))

    @unittest.skipUnless(importlib.util.find_spec("numba"), "numba is not installed")
    def test_numba(self):
        self.assertEqual(compss_wait_on(compiled(2)), 4)

    def test_a_wall_clock_that_is_not_reached(self):
        compss_set_wall_clock(1000)
        self.assertEqual(compss_wait_on(inc(1)), 2)


if __name__ == "__main__":
    unittest.main()
