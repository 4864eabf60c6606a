"""Mandatory, deprecated, unexpected and malformed arguments of every decorator."""

import importlib
import unittest

from pycompss.api.constraint import constraint
from pycompss.api.mpi import mpi
from pycompss.api.on_failure import on_failure
from pycompss.api.parameter import IN, INOUT
from pycompss.api.reduction import reduction
from pycompss.api.task import task
from pycompss.util.exceptions import PyCOMPSsException
from tests.case import stderr_text

MANDATORY = [
    ("implement", "Implement", "@implement", {"source_class": "m", "method": "f"}),
    ("binary", "Binary", "@binary", {"binary": "ls"}),
    ("mpi", "Mpi", "@mpi", {"runner": "mpirun"}),
    ("container", "Container", "@container", {"engine": "DOCKER", "image": "i"}),
    ("julia", "Julia", "@julia", {"script": "s.jl"}),
    ("http", "HTTP", "@http", {"service_name": "s", "resource": "r", "request": "GET"}),
    ("ompss", "OmpSs", "@ompss", {"binary": "b"}),
    ("opencl", "OpenCL", "@opencl", {"kernel": "k"}),
    ("decaf", "Decaf", "@decaf", {"df_script": "s"}),
    ("compss", "COMPSs", "@compss", {"app_name": "a"}),
    ("prolog", "Prolog", "@prolog", {"binary": "b"}),
    ("epilog", "Epilog", "@epilog", {"binary": "b"}),
    ("on_failure", "OnFailure", "@on_failure", {"management": "FAIL"}),
]
ALIASES = [
    ("task", "Task", "task"),
    ("constraint", "Constraint", "constraint"),
    ("implement", "Implement", "implement"),
    ("binary", "Binary", "binary"),
    ("mpi", "Mpi", "mpi"),
    ("mpmd_mpi", "MPMDMPI", "mpmd_mpi"),
    ("multinode", "MultiNode", "multinode"),
    ("container", "Container", "container"),
    ("software", "Software", "software"),
    ("julia", "Julia", "julia"),
    ("http", "HTTP", "http"),
    ("ompss", "OmpSs", "ompss"),
    ("opencl", "OpenCL", "opencl"),
    ("decaf", "Decaf", "decaf"),
    ("compss", "COMPSs", "compss"),
    ("IO", "IO", "io"),
    ("prolog", "Prolog", "prolog"),
    ("epilog", "Epilog", "epilog"),
    ("on_failure", "OnFailure", "on_failure"),
    ("on_failure", "onFailure", "on_failure"),
    ("reduction", "Reduction", "reduction"),
    ("local", "Local", "local"),
    ("data_transformation", "DataTransformation", "dt"),
    ("data_transformation", "DataTransformation", "data_transformation"),
    ("data_transformation", "DTObject", "dto"),
]


class NamesTest(unittest.TestCase):
    def test_both_spellings_of_every_decorator_exist(self):
        for module, name, alias in ALIASES:
            with self.subTest(module=module, alias=alias):
                found = importlib.import_module(f"pycompss.api.{module}")
                self.assertIs(getattr(found, name), getattr(found, alias))

    def test_every_constant_of_the_specification_is_exported(self):
        names = {}
        exec("from pycompss.api.parameter import *", names)
        expected = "IN OUT INOUT CONCURRENT COMMUTATIVE IN_DELETE FILE FILE_IN FILE_OUT FILE_INOUT FILE_CONCURRENT"
        expected += " FILE_COMMUTATIVE FILE_STDIN FILE_STDERR FILE_STDOUT DIRECTORY DIRECTORY_IN DIRECTORY_OUT"
        expected += " DIRECTORY_INOUT COLLECTION COLLECTION_IN COLLECTION_INOUT COLLECTION_OUT COLLECTION_IN_DELETE"
        expected += " COLLECTION_FILE COLLECTION_FILE_IN COLLECTION_FILE_INOUT COLLECTION_FILE_OUT DICTIONARY"
        expected += " DICTIONARY_IN DICTIONARY_INOUT DICTIONARY_OUT DICTIONARY_IN_DELETE STREAM_IN STREAM_OUT"
        expected += " STDIN STDOUT STDERR IOSTREAM DIRECTION PREFIX TYPE Type Direction StdIOStream Prefix Depth"
        expected += " Weight Keep_rename Cache block_count block_length stride"
        for direction in ("IN", "OUT", "INOUT", "CONCURRENT", "COMMUTATIVE"):
            for stream in ("STDIN", "STDOUT", "STDERR"):
                expected += f" FILE_{direction}_{stream}"
        missing = [name for name in expected.split() if name not in names]
        self.assertEqual(missing, [])
        self.assertEqual([int(one) for one in names["DIRECTION"]], [0, 1, 2, 3, 4, 5])
        self.assertEqual(names["PREFIX"].PREFIX, "null")
        self.assertEqual((names["STDIN"], names["STDOUT"], names["STDERR"], int(names["IOSTREAM"].UNSPECIFIED)), (0, 1, 2, 3))


class ArgumentsTest(unittest.TestCase):
    def test_a_missing_mandatory_argument_is_named(self):
        for module, name, spelled, given in MANDATORY:
            decorator = getattr(importlib.import_module(f"pycompss.api.{module}"), name)
            for missing in given:
                rest = {key: value for key, value in given.items() if key != missing}
                with self.subTest(decorator=spelled, missing=missing):
                    with self.assertRaises(PyCOMPSsException) as raised:
                        decorator(**rest)
                    expected = f"The argument {missing} is mandatory in the {spelled} decorator."
                    self.assertEqual(str(raised.exception), expected)

    def test_camel_case_counts_as_present_and_is_warned_of(self):
        implement = importlib.import_module("pycompss.api.implement").implement
        with stderr_text() as err:
            decorator = implement(sourceClass="m", method="f")
        self.assertEqual(decorator.given, {"source_class": "m", "method": "f"})
        self.assertIn("source_class", err.getvalue())
        self.assertIn("WARNING", err.getvalue())

    def test_an_unexpected_argument_is_one_warning(self):
        binary = importlib.import_module("pycompss.api.binary").binary
        with stderr_text() as err:
            binary(binary="ls", colour="red")
        self.assertEqual(err.getvalue().count("WARNING"), 1)
        self.assertIn("colour", err.getvalue())

    def test_deprecated_arguments_of_task_keep_their_meaning(self):
        with stderr_text() as err:
            options = task(isReplicated=True, timeOut=3, targetDirection=IN, computingNodes=2).options
        self.assertTrue(options.is_replicated)
        self.assertEqual((options.time_out, options.target_direction, options.computing_nodes), (3, 0, 2))
        self.assertEqual(err.getvalue().count("WARNING"), 4)

    def test_is_modifier_is_refused(self):
        with stderr_text() as err, self.assertRaises(PyCOMPSsException):
            task(isModifier=True)
        self.assertIn("isModifier", err.getvalue())

    def test_constants_are_needed_where_the_specification_says(self):
        for name in ("target_direction", "varargs_type"):
            with self.subTest(name=name), self.assertRaises(PyCOMPSsException):
                task(**{name: "INOUT"})
        self.assertEqual(task(target_direction=INOUT).options.target_direction, 2)

    def test_values_that_raise(self):
        cases = [
            lambda: on_failure(management="PANIC"),
            lambda: task(on_failure="PANIC"),
            lambda: task(numba="fast"),
            lambda: reduction(chunk_size="two"),
            lambda: reduction(chunk_size=2.5),
            lambda: constraint(computing_units={"a": 1}),
            lambda: constraint(is_local="yes"),
            lambda: mpi(runner="mpirun", scale_by_cu=3),
            lambda: mpi(runner="mpirun", fail_by_exit_value=[1]),
            lambda: mpi(runner="mpirun", data_layout={"width": 1}),
        ]
        for index, make in enumerate(cases):
            with self.subTest(case=index), self.assertRaises(PyCOMPSsException):
                make()

    def test_a_typing_mistake_is_reported_at_the_first_call(self):
        @task(returns=1, prioriti=True)
        def plus(a):
            return a

        with stderr_text() as err:
            plus.__pycompss__.prepare()
            plus.__pycompss__.prepare()
        self.assertEqual(err.getvalue().count("prioriti"), 1)


if __name__ == "__main__":
    unittest.main()
