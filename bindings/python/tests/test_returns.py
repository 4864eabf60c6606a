"""How many values a task returns."""

import unittest
from typing import Tuple

from pycompss._core.returns import infer_returns, parse_returns
from pycompss.api.api import compss_wait_on
from pycompss.api.task import task
from pycompss.runtime.management.classes import Future
from pycompss.util.exceptions import PyCOMPSsException
from tests.case import LinkCase

COUNT = 3


class Shape:
    def __init__(self):
        self.sides = 4


class Needy:
    def __init__(self, must):
        self.must = must


class Holder:
    size = 2


def count(given):
    parsed = parse_returns(given, lambda: globals())
    return None if parsed is None else parsed.count


class ParseTest(unittest.TestCase):
    def test_forms(self):
        table = [(1, 1), (4, 4), (int, 1), ([int, str], 2), ((int,), 1), ("3", 3), ("COUNT", 3), (True, 1), (list, 1)]
        for given, expected in table:
            with self.subTest(given=given):
                self.assertEqual(count(given), expected)
        for given in (None, False, 0, "0", [], ()):
            with self.subTest(given=given):
                self.assertIsNone(count(given))

    def test_a_name_that_is_no_global(self):
        with self.assertRaises(PyCOMPSsException):
            count("NO_SUCH_GLOBAL")


class InferTest(unittest.TestCase):
    def infer(self, function, is_method=False):
        return infer_returns(function, is_method).count

    def test_hints(self):
        def one() -> int: ...
        def none() -> None: ...
        def typed() -> Tuple[int, str]: ...
        def two() -> (int, str): ...

        self.assertEqual([self.infer(f) for f in (one, none, typed, two)], [1, 1, 1, 2])

    def test_source(self):
        def nothing():
            pass

        def several(flag):
            if flag:
                return 1, 2, 3
            return [1, 2]

        def bare():
            return

        def inner():
            def deep():
                return 5

            deep()

        self.assertEqual([self.infer(f) for f in (nothing, several, bare, inner)], [0, 3, 1, 1])

    def test_methods_are_read_line_by_line(self):
        def bare(self):
            return

        def value(self):
            return (self, 1)

        self.assertEqual([self.infer(f, True) for f in (bare, value)], [0, 2])

    def test_no_source(self):
        names = {}
        exec("def hidden():\n    pass\n", names)
        self.assertEqual(self.infer(names["hidden"]), 1)


@task(returns=2)
def pair(a):
    return a, a + 1


@task(returns=[int])
def listed(a):
    return a


@task()
def inferred(a):
    return a, a * 2


@task()
def silent(a):
    a = a + 1


@task(returns=0)
def zero(a):
    return a


@task(returns="value_of(holder.size)")
def sized(holder):
    return list(range(holder.size))


@task(returns=Shape)
def shape():
    made = Shape()
    made.sides = 6
    return made


@task(returns=Needy)
def needy():
    return Needy(3)


@task(returns="{{target}}")
def into(target, extra):
    return target + [extra]


@task(returns="{{nobody}}")
def wrong(target):
    return target


class CallTest(LinkCase):
    def test_counts_and_shapes(self):
        self.assertEqual(compss_wait_on(pair(1)), [1, 2])
        self.assertIsInstance(listed(1), list)
        self.assertEqual(compss_wait_on(inferred(2)), [2, 4])
        self.assertIsNone(silent(1))
        self.assertEqual(compss_wait_on(zero(7)), 7)
        self.assertEqual(compss_wait_on(sized(Holder())), [0, 1])

    def test_the_call_overrides_the_decorator(self):
        handles = pair(5, returns=1)
        self.assertIsInstance(handles, Future)
        self.assertEqual(compss_wait_on(handles), (5, 6))

    def test_an_object_of_the_class_is_the_handle(self):
        handle = shape()
        self.assertIsInstance(handle, Shape)
        self.assertEqual(handle.sides, 4)
        self.assertEqual(compss_wait_on(handle).sides, 6)
        self.assertIsInstance(needy(), Future)

    def test_the_parameter_is_the_handle(self):
        target = [1]
        self.assertIs(into(target, 2), target)
        self.assertEqual(compss_wait_on(target), [1, 2])
        with self.assertRaises(PyCOMPSsException):
            wrong([1])


if __name__ == "__main__":
    unittest.main()
