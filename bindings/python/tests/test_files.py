"""Files and directories that tasks read and write."""

import os
import unittest

from metakernel.errors import LinkError
from pycompss.api.api import (
    compss_delete_file,
    compss_file_exists,
    compss_get_number_of_resources,
    compss_open,
    compss_request_resources,
    compss_wait_on,
    compss_wait_on_directory,
    compss_wait_on_file,
)
from pycompss.api.parameter import (
    COLLECTION_FILE_IN,
    COLLECTION_FILE_OUT,
    DIRECTORY_IN,
    DIRECTORY_OUT,
    FILE_IN,
    FILE_INOUT,
    FILE_OUT,
    Keep_rename,
    Type,
)
from pycompss.api.task import task
from pycompss.util.exceptions import PyCOMPSsException
from tests.case import LinkCase, read, write


@task(path=FILE_OUT)
def put(path, text):
    write(path, text)


@task(path={Type: FILE_INOUT, Keep_rename: True})
def add(path, text):
    write(path, read(path) + text)


@task(path=FILE_IN, other=FILE_IN, returns=1)
def length(path, other=None):
    return len(read(path)) + (0 if other is None else len(read(other)))


@task(paths=COLLECTION_FILE_OUT)
def put_all(paths):
    for index, path in enumerate(paths):
        write(path, str(index))


@task(paths=COLLECTION_FILE_IN, returns=1)
def join(paths):
    return "".join(read(path) for path in paths)


@task(path=FILE_IN, returns=1)
def base_name(path):
    return os.path.basename(path)


@task(path=DIRECTORY_IN, returns=1)
def listing(path):
    return sorted(os.listdir(path))


@task(path=DIRECTORY_OUT)
def populate(path):
    write(os.path.join(path, "inside"), "x")


class FilesTest(LinkCase):
    def test_chains_of_files(self):
        put("a.txt", "one")
        add("a.txt", "two")
        self.assertEqual(compss_wait_on_file("a.txt"), "a.txt")
        with compss_open("a.txt") as file:
            self.assertEqual(file.read(), "onetwo")
        put("b.txt", "xyz")
        self.assertEqual(compss_wait_on([length("a.txt"), length("b.txt", other="a.txt")]), [6, 9])
        compss_wait_on(length("a.txt", None))

    def test_what_is_sent(self):
        self.inline_only()
        add(write("a.txt", "one"), "two")
        self.assertEqual(self.argument("path").keep_rename, True)
        length("a.txt")
        self.assertEqual(self.argument("other").value, None)

    def test_base_names(self):
        put("called.dat", "x")
        self.assertEqual(compss_wait_on(base_name("called.dat")), "called.dat")

    def test_collections_and_directories(self):
        put_all(["b0", "b1"])
        self.assertEqual(compss_wait_on(join(["b0", "b1"])), "01")
        self.assertEqual(compss_wait_on_file(["b0", ("b1",)]), ["b0", ("b1",)])
        self.assertEqual(read("b0") + read("b1"), "01")
        populate("dir")
        self.assertEqual(compss_wait_on(listing("dir")), ["inside"])
        self.assertEqual(compss_wait_on_directory("dir"), "dir")
        self.assertEqual(read("dir/inside"), "x")

    def test_written_by_the_program(self):
        put("c.txt", "by a task")
        with compss_open("c.txt", "w") as file:
            file.write("text")
        self.assertEqual(compss_wait_on(length("c.txt")), 4)
        with compss_open("c.txt", "cv") as file:
            self.assertEqual(file.read(), "text")
        with compss_open("c.txt", "ab") as file:
            file.write(b"!")
        self.assertEqual(read("c.txt"), "text!")
        with compss_open("c.txt", "r+") as file:
            self.assertEqual(file.readline(), "text!")
        self.assertEqual(compss_wait_on(length("c.txt")), 5)

    def test_existence_and_deletion(self):
        put("d.txt", "x")
        self.assertEqual(compss_file_exists("d.txt", "never"), [True, False])
        self.assertEqual(compss_delete_file("d.txt", ["other"]), [True, [True]])
        self.assertFalse(compss_file_exists("d.txt"))

    def test_paths_that_are_none(self):
        with self.assertRaises(PyCOMPSsException):
            put(3, "x")
        with self.assertRaises(PyCOMPSsException):
            compss_wait_on_file(3)

    def test_resources(self):
        self.assertGreaterEqual(compss_get_number_of_resources(), 1)
        with self.assertRaises(LinkError):
            compss_request_resources(1, None)


if __name__ == "__main__":
    unittest.main()
