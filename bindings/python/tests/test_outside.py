"""Programs without a runtime: plain sequential code, and what refuses to run so."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest

from pycompss.api import api, dummy
from pycompss.api.binary import binary
from pycompss.api.compss import compss
from pycompss.api.constraint import constraint
from pycompss.api.container import container
from pycompss.api.data_transformation import dt
from pycompss.api.decaf import decaf
from pycompss.api.epilog import epilog
from pycompss.api.exceptions import COMPSsException
from pycompss.api.http import http
from pycompss.api.implement import implement
from pycompss.api.IO import IO
from pycompss.api.julia import julia
from pycompss.api.mpmd_mpi import mpmd_mpi
from pycompss.api.multinode import multinode
from pycompss.api.ompss import ompss
from pycompss.api.on_failure import on_failure
from pycompss.api.opencl import opencl
from pycompss.api.parameter import FILE_OUT_STDOUT, INOUT
from pycompss.api.prolog import prolog
from pycompss.api.reduction import reduction
from pycompss.api.task import task
from pycompss.functions.data import generator
from pycompss.functions.elapsed_time import timeit
from pycompss.functions.map import map as task_map
from pycompss.functions.reduce import merge_n_reduce, merge_reduce
from pycompss.util.exceptions import NotInPyCOMPSsException
from pycompss.util.serialization.serializer import deserialize_from_file, serialize_to_file
from tests.case import read, stderr_text

NEEDS_RUNTIME = [
    (implement(source_class="m", method="f"), NotInPyCOMPSsException),
    (multinode(computing_nodes=2), NotInPyCOMPSsException),
    (container(engine="DOCKER", image="i"), NotInPyCOMPSsException),
    (julia(script="s.jl"), NotInPyCOMPSsException),
    (ompss(binary="b"), NotInPyCOMPSsException),
    (opencl(kernel="k"), NotInPyCOMPSsException),
    (decaf(df_script="s"), NotInPyCOMPSsException),
    (compss(app_name="a"), NotInPyCOMPSsException),
    (IO(), NotInPyCOMPSsException),
    (mpmd_mpi(runner="mpirun", programs=[{"binary": "b"}]), NotImplementedError),
    (prolog(binary="b"), NotImplementedError),
    (epilog(binary="b"), NotImplementedError),
    (dt("value", str), NotImplementedError),
]


@constraint(computing_units=2)
@reduction(chunk_size=2)
@on_failure(management="IGNORE", returns=0)
@task(returns=1, values=INOUT)
def change(values):
    values.append(1)
    return len(values)


@binary(binary="sh", args="-c 'exit {{value}}'")
@task(returns=int)
def exit_with(value):
    pass


@binary(binary="echo")
@task(result=FILE_OUT_STDOUT)
def say(word, result):
    pass


@http(service_name="s", resource="r", request="GET")
@task(returns=1)
def asked(value):
    return value


@task(returns=1)
def raising(value):
    raise COMPSsException("plain", 2)


@timeit()
def slow(value):
    return value


@task(returns=1)
def add(*values):
    return sum(values)


class OutsideTest(unittest.TestCase):
    def setUp(self):
        self.before = os.getcwd()
        self.directory = tempfile.mkdtemp(prefix="pycompss-test-")
        os.chdir(self.directory)

    def tearDown(self):
        os.chdir(self.before)
        shutil.rmtree(self.directory)

    def test_tasks_are_calls(self):
        values = []
        self.assertEqual(change(values), 1)
        self.assertEqual(values, [1])
        self.assertEqual(change(values, returns=1), 2)

    def test_decorators_that_need_the_runtime(self):
        for decorator, error in NEEDS_RUNTIME:
            with self.subTest(decorator=decorator.name):

                @decorator
                @task(returns=1)
                def body(value):
                    return value

                with self.assertRaises(error):
                    body(1)

    def test_programs(self):
        self.assertEqual([exit_with(0), exit_with(4)], [0, 4])
        say("hello", "out.txt")
        self.assertEqual(read("out.txt"), "hello\n")
        with stderr_text() as err:
            self.assertEqual(asked(3), 3)
        self.assertIn("@http", err.getvalue())

    def test_exceptions_are_plain(self):
        with self.assertRaises(COMPSsException) as raised:
            with api.TaskGroup("group"):
                raising(1)
        self.assertEqual((raised.exception.message, raised.exception.target_direction), ("plain", 2))

    def test_the_api(self):
        for module in (api, dummy_api()):
            with self.subTest(module=module.__name__):
                self.assert_api(module)
        with self.assertRaises(NotInPyCOMPSsException):
            api.compss_add_logger("x")

    def assert_api(self, module):
        marker = object()
        self.assertIs(module.compss_wait_on(marker), marker)
        self.assertEqual(module.compss_wait_on(1, 2, mode="r"), [1, 2])
        self.assertEqual(module.compss_wait_on_file("a"), "a")
        self.assertEqual(module.compss_wait_on_file(["a", ["b"]]), ["a", ["b"]])
        self.assertEqual(module.compss_wait_on_directory("d"), "d")
        self.assertEqual(module.compss_delete_object(marker), True)
        self.assertEqual(module.compss_delete_object(1, 2), [True, True])
        self.assertEqual(module.compss_delete_file("a"), True)
        self.assertEqual(module.compss_delete_file(["a", ("b",)]), [True, (True,)])
        with module.compss_open("made", "w") as file:
            file.write("x")
        self.assertEqual(module.compss_file_exists("made"), True)
        self.assertEqual(module.compss_file_exists(["made", "not"], "made"), [[True, False], True])
        self.assertEqual(module.compss_get_number_of_resources(), 1)
        for nothing in (
            module.compss_barrier(),
            module.compss_barrier(True),
            module.compss_barrier_group("g"),
            module.compss_cancel_group("g"),
            module.compss_request_resources(1, None),
            module.compss_free_resources(1, None),
            module.compss_snapshot(),
            module.compss_set_wall_clock(100),
            module.compss_stop(),
        ):
            self.assertIsNone(nothing)
        with self.assertRaises(Exception):
            module.compss_wait_on_file(3)

    def test_functions(self):
        self.assertEqual(merge_reduce(add, [1, 2, 3, 4, 5]), 15)
        self.assertEqual(merge_n_reduce(add, 3, [1, 2, 3, 4, 5]), 15)
        self.assertIsNone(merge_reduce(add, []))
        self.assertEqual(task_map(add, [1, 2], [3, 4]), [4, 6])
        self.assertEqual(slow(3)[0], 3)
        self.assertGreaterEqual(slow(3)[1], 0)
        data = generator((10, 3), 4, seed=1)
        self.assertEqual([len(one) for one in data], [3, 3, 2, 2])
        self.assertEqual(data, generator((10, 3), 4, seed=1))
        serialize_to_file({"a": 1}, "object")
        self.assertEqual(deserialize_from_file("object"), {"a": 1})

    def test_stdout_of_a_program_is_its_own(self):
        code = "from pycompss.api.task import task\n"
        code += "@task(timeOut=3, returns=1, what=1)\ndef f(a): return a\nprint(f(2))\n"
        root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
        done = subprocess.run(
            [sys.executable, "-c", code], env={**os.environ, "PYTHONPATH": root}, capture_output=True, text=True, timeout=60
        )
        self.assertEqual(done.stdout, "2\n")
        self.assertIn("WARNING", done.stderr)


def dummy_api():
    import importlib

    assert dummy.__name__ == "pycompss.api.dummy"
    return importlib.import_module("pycompss.api.dummy.api")


if __name__ == "__main__":
    unittest.main()
