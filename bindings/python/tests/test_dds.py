"""Distributed data sets."""

import os
import unittest

from pycompss.dds import DDS
from tests.case import LinkCase, read, write


def double(value):
    return 2 * value


def even(value):
    return value % 2 == 0


def both(value):
    return [value, -value]


def add(left, right):
    return left + right


def parity(value):
    return value % 2


def minus(key):
    return -key


class DdsTest(LinkCase):
    def test_elements(self):
        data = DDS().load(range(10), 3)
        self.assertEqual(data.num_of_partitions(), 3)
        self.assertEqual(data.collect(True), [[0, 1, 2, 3], [4, 5, 6], [7, 8, 9]])
        self.assertEqual(data.map(double).filter(even).collect(), [0, 2, 4, 6, 8, 10, 12, 14, 16, 18])
        self.assertEqual(data.flat_map(both).count(), 20)
        self.assertEqual([data.sum(), data.max(), data.min(), data.count()], [45, 9, 0, 10])
        self.assertEqual([data.reduce(add), data.reduce(add, 5), data.reduce(add, arity=2)], [45, 50, 45])
        self.assertEqual(data.max(key=minus), 0)
        self.assertEqual(data.take(5), [0, 1, 2, 3, 4])
        self.assertEqual(sorted(data.union(data).distinct().collect()), list(range(10)))
        with self.assertRaises(ValueError):
            DDS().load([], 2).reduce(add)

    def test_pairs(self):
        pairs = DDS().load([("a", 1), ("b", 2), ("a", 3), ("c", 4), ("b", 5)], 2)
        self.assertEqual(pairs.reduce_by_key(add).collect_as_dict(), {"a": 4, "b": 7, "c": 4})
        self.assertEqual(pairs.count_by_key(as_dict=True), {"a": 2, "b": 2, "c": 1})
        grouped = {key: sorted(values) for key, values in pairs.group_by_key().collect()}
        self.assertEqual(grouped, {"a": [1, 3], "b": [2, 5], "c": [4]})
        self.assertEqual(pairs.map_values(double).values().collect(), [2, 4, 6, 8, 10])
        joined = pairs.join(DDS().load([("a", "x"), ("c", "y")], 2)).collect()
        self.assertEqual(sorted(joined), [("a", (1, "x")), ("a", (3, "x")), ("c", (4, "y"))])
        self.assertEqual(DDS().load([1, 2, 3, 2], 2).count_by_value(), {1: 1, 2: 2, 3: 1})
        self.assertEqual(DDS().load(range(4), 2).key_by(parity).keys().collect(), [0, 1, 0, 1])

    def test_sorting(self):
        keys = [5, 3, 9, 1, 7, 2, 8, 4, 6, 0]
        data = DDS().load([(key, str(key)) for key in keys], 3)
        self.assertEqual(data.sort_by_key().keys().collect(), list(range(10)))
        self.assertEqual(data.sort_by_key(ascending=False).keys().collect(), list(range(9, -1, -1)))
        self.assertEqual(data.sort_by_key(key_func=minus).keys().collect(), list(range(9, -1, -1)))

    def test_files(self):
        write("text", "".join(f"line {index}\n" for index in range(50)))
        expected = [f"line {index}" for index in range(50)]
        self.assertEqual(DDS().load_text_file("text", 64).collect(), expected)
        self.assertEqual(DDS().load_text_file("text", 20, in_bytes=False).collect(), expected)
        os.mkdir("in")
        write("in/a", "A")
        write("in/b", "B")
        self.assertEqual([content for _, content in DDS().load_files_from_dir("in").collect()], ["A", "B"])
        DDS().load(range(5), 2).save_as_pickle("out")
        from pycompss.api.api import compss_wait_on_file

        compss_wait_on_file([os.path.join("out", f"{index:05d}.pickle") for index in range(2)])
        self.assertEqual(DDS().load_pickle_files("out").collect(), [0, 1, 2, 3, 4])
        DDS().load(range(3), 1).save_as_text_file("texts")
        self.assertEqual(read(compss_wait_on_file("texts/00000.txt")), "0\n1\n2\n")


if __name__ == "__main__":
    unittest.main()
