"""Constraints: static, from the environment, from globals and arguments; implementations; nodes and processes."""

import os
import unittest
from unittest import mock

from pycompss.api.api import compss_wait_on
from pycompss.api.constraint import constraint
from pycompss.api.implement import implement
from pycompss.api.IO import IO
from pycompss.api.mpi import mpi
from pycompss.api.multinode import multinode
from pycompss.api.parameter import COLLECTION_IN
from pycompss.api.reduction import reduction
from pycompss.api.task import task
from pycompss.util.exceptions import PyCOMPSsException
from tests.case import LinkCase, stderr_text

UNITS = 3
NODES = 2


def of(function):
    """The constraints that the runtime gets for a task that is called without arguments."""
    declaration = function.__pycompss__
    from pycompss._core.placement import constraints_of

    return constraints_of(declaration, {}, 1)


def constrained(**given):
    @constraint(**given)
    @task()
    def nothing():
        pass

    return of(nothing)


@constraint(computing_units="UNITS", memory_size="size * 2")
@task(returns=1)
def dynamic(size):
    return size


@constraint(computing_units="size")
@task(returns=1)
def by_parameter(size):
    return size


@IO()
@task()
def device():
    pass


@multinode(computing_nodes="NODES")
@task()
def gang():
    pass


@mpi(runner="mpirun", binary="prog", processes=6, processes_per_node=3)
@constraint(computing_units=2)
@task()
def spread():
    pass


@constraint(computing_units=2)
@mpi(runner="mpirun", binary="prog", processes="4")
@task()
def packed():
    pass


@task(returns=1)
def slow(value):
    return value


@constraint(computing_units=4)
@implement(source_class=__name__, method="slow")
@task(returns=1)
def fast(value):
    return value


@reduction(chunk_size="2")
@task(values=COLLECTION_IN, returns=1)
def total(values):
    return sum(values)


@reduction(chunk_size="${CHUNK}")
@task(values=COLLECTION_IN, returns=1)
def total_by_variable(values):
    return sum(values)


class ConstraintsTest(LinkCase):
    def test_static(self):
        cpu = {"type": "CPU", "units": 2}
        table = [
            ({"computing_units": 2}, {"processors": [cpu]}),
            ({"computing_units": "2"}, {"processors": [cpu]}),
            ({"memory_size": "1.5", "memory_type": "DRAM"}, {"memoryGb": 1.5, "memoryType": "DRAM"}),
            ({"storage_size": 10, "storage_type": "SSD"}, {"storageGb": 10, "storageType": "SSD"}),
            ({"app_software": "numpy, scipy"}, {"software": ["numpy", "scipy"]}),
            ({"host_queues": ["q1", "q2"]}, {"hostQueues": ["q1", "q2"]}),
            ({"wall_clock_limit": 5}, {"wallClockLimitMinutes": 5}),
            ({"operating_system_type": "Linux"}, {"operatingSystem": {"type": "Linux"}}),
            ({"is_local": True}, {"isLocal": True}),
            (
                {"processor_architecture": "amd64", "computing_units": 2},
                {"processors": [{"architecture": "amd64", "type": "CPU", "units": 2}]},
            ),
            (
                {"processors": [{"processorType": "GPU", "computingUnits": "1"}, {"computingUnits": "2"}]},
                {"processors": [{"type": "GPU", "units": 1}, cpu]},
            ),
        ]
        for given, expected in table:
            with self.subTest(given=given):
                self.assertEqual(constrained(**given), expected)

    def test_environment(self):
        with mock.patch.dict(os.environ, {"MY_UNITS": "2", "MY_MEMORY": "4"}):
            found = constrained(computing_units="$MY_UNITS", memory_size="${MY_MEMORY}")
        self.assertEqual(found, {"processors": [{"type": "CPU", "units": 2}], "memoryGb": 4})
        self.assertIsNone(constrained(memory_size="$NEVER_SET_ANYWHERE"))

    def test_dynamic(self):
        global UNITS
        self.inline_only()
        dynamic(4)
        self.assertEqual(self.last_call().constraints, {"processors": [{"type": "CPU", "units": 3}], "memoryGb": 8})
        UNITS = 5
        try:
            dynamic(1)
        finally:
            UNITS = 3
        self.assertEqual(self.last_call().constraints["processors"][0]["units"], 5)
        by_parameter(7)
        self.assertEqual(self.last_call().constraints["processors"][0]["units"], 7)

    def test_an_expression_without_value(self):
        @constraint(computing_units="no_such_name")
        @task()
        def wrong():
            pass

        with self.assertRaises(PyCOMPSsException):
            wrong()

    def test_an_unknown_constraint_is_warned_of(self):
        with stderr_text() as err:
            constraint(colour="red")
        self.assertIn("colour", err.getvalue())

    def test_nodes_and_processes(self):
        from pycompss._core.placement import constraints_of, nodes_of

        self.assertEqual(nodes_of(gang.__pycompss__), (2, 1, 1))
        self.assertEqual(nodes_of(spread.__pycompss__), (2, 6, 3))
        self.assertEqual(constraints_of(spread.__pycompss__, {}, 3)["processors"], [{"type": "CPU", "units": 6}])
        self.assertEqual(nodes_of(packed.__pycompss__), (1, 4, 4))
        self.assertEqual(of(device), {"processors": [{"type": "CPU", "units": 0}]})

    def test_implementations_share_a_core_element(self):
        self.assertEqual(compss_wait_on(slow(3)), 3)
        self.inline_only()
        signature, implementations = self.link.elements[-1]
        self.assertEqual(signature, f"{__name__}#slow")
        self.assertEqual([one.method for one in implementations], ["slow", "fast"])
        self.assertEqual(implementations[1].constraints, {"processors": [{"type": "CPU", "units": 4}]})
        fast(1)
        self.assertEqual(len(self.link.elements), 1)


class ReductionTest(LinkCase):
    def test_the_tree(self):
        self.assertEqual(compss_wait_on(total(list(range(7)))), 21)
        self.inline_only()
        sizes = [len(call.arguments[0].value) for call in self.link.calls]
        self.assertEqual(sizes, [2, 2, 2, 2, 2, 2])

    def test_no_split(self):
        self.assertEqual(compss_wait_on(total([1, 2])), 3)
        self.inline_only()
        self.assertEqual(len(self.link.calls), 1)
        self.assertEqual(compss_wait_on(total_by_variable([1, 2, 3])), 6)
        self.assertEqual(len(self.link.calls), 2)

    def test_chunks_from_the_environment(self):
        with mock.patch.dict(os.environ, {"CHUNK": "3"}):
            self.assertEqual(compss_wait_on(total_by_variable(list(range(9)))), 36)
        self.inline_only()
        self.assertEqual(len(self.link.calls), 4)


if __name__ == "__main__":
    unittest.main()
