"""Data transformations of every kind."""

import os
import pickle
import unittest

from pycompss.api.api import compss_wait_on
from pycompss.api.data_transformation import (
    COLLECTION_TO_FILE,
    COLLECTION_TO_OBJECT,
    DIRECTORY_TO_OBJECT,
    FILE_TO_COLLECTION,
    FILE_TO_OBJECT,
    OBJECT_TO_DIRECTORY,
    OBJECT_TO_FILE,
    dt,
    dto,
)
from pycompss.api.parameter import COLLECTION_IN, DIRECTORY_IN, FILE_IN
from pycompss.api.task import task
from pycompss.util.exceptions import PyCOMPSsException
from tests.case import LinkCase, read, write


def appended(values, item="dt"):
    values.append(item)
    return values


@task(returns=1)
def in_workflow(values):
    return values + ["workflow"]


def workflow(values):
    return in_workflow(values)


def to_file(value, path):
    with open(path, "wb") as file:
        pickle.dump(value, file)


def to_directory(value, path):
    write(os.path.join(path, "value"), str(value))


def words(path):
    return read(path).split()


@dt("values", appended, item="second")
@dt("values", workflow, is_workflow=True)
@task(returns=1)
def twice(values):
    return values


@dt()
@task(returns=1)
def by_call(values, others):
    return values + others


@dt(target="path", function=to_file, type=OBJECT_TO_FILE, destination="made.pkl")
@task(path=FILE_IN, returns=1)
def from_object(path):
    with open(path, "rb") as file:
        return pickle.load(file)


@dt(target="found", function=words, type=FILE_TO_OBJECT)
@task(returns=1)
def from_file(found):
    return found


@dt(target="found", function=words, type=FILE_TO_COLLECTION, size=2)
@task(found=COLLECTION_IN, returns=1)
def from_file_to_collection(found):
    return found[::-1]


@dt(target="total", function=sum, type=COLLECTION_TO_OBJECT)
@task(returns=1)
def from_collection(total):
    return total


@dt(target="path", function=to_file, type=COLLECTION_TO_FILE, destination="many.pkl")
@task(path=FILE_IN, returns=1)
def collection_in_file(path):
    with open(path, "rb") as file:
        return pickle.load(file)


@dt(target="path", function=to_directory, type=OBJECT_TO_DIRECTORY, destination="made")
@task(path=DIRECTORY_IN, returns=1)
def in_directory(path):
    return read(os.path.join(path, "value"))


@dt(target="names", function=os.listdir, type=DIRECTORY_TO_OBJECT)
@task(returns=1)
def from_directory(names):
    return sorted(names)


class TransformationsTest(LinkCase):
    def test_the_outer_one_comes_first(self):
        self.assertEqual(compss_wait_on(twice(["start"])), ["start", "second", "workflow"])

    def test_objects_at_the_call(self):
        found = by_call([1], [2], dt=[dto("values", appended), dto("others", appended, item=3)])
        self.assertEqual(compss_wait_on(found), [1, "dt", 2, 3])
        self.assertEqual(compss_wait_on(by_call([1], [2], dt=dto("values", appended))), [1, "dt", 2])
        self.assertEqual(compss_wait_on(by_call([1], [2])), [1, 2])

    def test_types(self):
        write("two.txt", "a b")
        self.assertEqual(compss_wait_on(from_object({"x": 1})), {"x": 1})
        self.assertEqual(compss_wait_on(from_file("two.txt")), ["a", "b"])
        self.assertEqual(compss_wait_on(from_file_to_collection("two.txt")), ["b", "a"])
        self.assertEqual(compss_wait_on(from_collection([1, 2, 3])), 6)
        self.assertEqual(compss_wait_on(collection_in_file([1, 2])), [1, 2])
        self.assertEqual(compss_wait_on(in_directory(5)), "5")
        self.assertEqual(compss_wait_on(from_directory("made")), ["value"])

    def test_what_is_mandatory(self):
        for given in ({"target": "a"}, {"function": words}, {"target": "a", "function": words, "type": 2}):
            with self.subTest(given=given), self.assertRaises(PyCOMPSsException):
                dt(**given)
        with self.assertRaises(PyCOMPSsException):
            by_call([1], [2], dt=dto("nobody", appended))


if __name__ == "__main__":
    unittest.main()
