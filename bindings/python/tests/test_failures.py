"""Failure policies, groups, exceptions, cancellation."""

import os
import time
import unittest

from metakernel.errors import TaskError
from pycompss.api.api import (
    TaskGroup,
    compss_barrier,
    compss_barrier_group,
    compss_cancel_group,
    compss_wait_on,
    compss_wait_on_file,
)
from pycompss.api.exceptions import COMPSsException
from pycompss.api.on_failure import on_failure
from pycompss.api.parameter import FILE_OUT, INOUT
from pycompss.api.task import task
from tests.case import LinkCase, read, stderr_text, write


@task(returns=1)
def fine(value):
    return value


@task(returns=1)
def broken(value):
    raise ValueError("no such value: %s" % value)


@on_failure(management="IGNORE", returns=-1)
@task(returns=1)
def ignored(value):
    raise ValueError("ignored")


@task(returns=1, on_failure="IGNORE")
def ignored_without_default(value):
    raise ValueError("ignored")


@on_failure(management="IGNORE", returns=0, values=[9])
@task(returns=2, values=INOUT, path=FILE_OUT)
def ignored_with_outputs(values, path, default):
    values.append(5)
    raise ValueError("ignored")


@task(returns=1)
def patient(path):
    while not os.path.exists(path):
        time.sleep(0.01)
    return path


@on_failure(management="CANCEL_SUCCESSORS")
@task(returns=1)
def cancelling(value):
    raise ValueError("cancels")


@task(returns=1, values=INOUT, on_failure="CANCEL_SUCCESSORS")
def failing_change(values):
    raise ValueError("cancels")


@task(returns=1, time_out=1, on_failure="IGNORE")
def endless():
    while True:
        time.sleep(0.01)


@task()
def stop_group(value):
    raise COMPSsException("found %s" % value)


@task(values=INOUT)
def change_and_stop(values):
    values.append(1)
    raise COMPSsException("changed")


@task(time_out=2.5, priority=True, is_replicated=True, is_distributed=True, computing_nodes="2")
def placed():
    pass


class FailuresTest(LinkCase):
    def test_a_failure_reaches_whoever_waits(self):
        future = broken(3)
        with self.assertRaises(TaskError) as raised:
            compss_wait_on(future)
        self.assertIn("no such value: 3", str(raised.exception))
        kept = broken(4)
        with self.assertRaises(TaskError):
            compss_barrier()
        del kept

    def test_ignored_failures(self):
        self.assertEqual(compss_wait_on(ignored(1)), -1)
        self.assertIsNone(compss_wait_on(ignored_without_default(1)))
        write("default.txt", "default")
        values = [1]
        first, second = ignored_with_outputs(values, "out.txt", os.path.abspath("default.txt"))
        self.assertEqual(compss_wait_on(first, second, values), [0, 0, [9]])
        self.assertEqual(read(compss_wait_on_file("out.txt")), "")

    def test_successors_are_cancelled_and_others_go_on(self):
        lost = fine(cancelling(1))
        kept = fine(2)
        with stderr_text() as err:
            self.assertEqual(compss_wait_on(lost, kept), [None, 2])
        self.assertEqual(err.getvalue().count("WARNING"), 1)
        values = [1]
        with stderr_text():
            self.assertEqual(compss_wait_on(cancelling(2), failing_change(values), values), [None, None, None])

    def test_a_time_out_that_is_ignored(self):
        if self.runtime is None:
            self.skipTest("nobody watches the time")
        with stderr_text() as err:
            self.assertIsNone(compss_wait_on(endless()))
        self.assertIn("WARNING", err.getvalue())

    def test_options_travel(self):
        placed()
        call = self.last_call()
        self.assertEqual((call.time_out, call.priority, call.computing_nodes), (2.5, True, 2))
        self.assertEqual((call.is_replicated, call.is_distributed), (True, True))
        self.assertEqual(call.on_failure, "RETRY")


class GroupsTest(LinkCase):
    def test_the_barrier_of_a_group_raises_the_exception(self):
        with self.assertRaises(COMPSsException) as raised:
            with TaskGroup("first"):
                fine(1)
                stop_group(8)
        self.assertEqual(raised.exception.message, "found 8")

    def test_later_members_are_cancelled(self):
        with self.assertRaises(COMPSsException):
            with TaskGroup("second"):
                stop_group(1)
                late = fine(1) if self.runtime is None else patient("never")
        with stderr_text():
            self.assertIsNone(compss_wait_on(late))

    def test_an_explicit_barrier(self):
        with TaskGroup("third", implicit_barrier=False):
            stop_group(2)
        with self.assertRaises(COMPSsException):
            compss_barrier_group("third")

    def test_what_the_task_changed_before_is_kept(self):
        values = []
        with TaskGroup("fourth", False):
            change_and_stop(values)
        self.assertEqual(compss_wait_on(values), [1])

    def test_cancelled_groups(self):
        if self.runtime is None:
            self.skipTest("nothing runs while the program goes on")
        with TaskGroup("fifth", False):
            before = fine(1)
            self.assertEqual(compss_wait_on(before), 1)
            running, waiting = patient("never"), fine(patient("never"))
            compss_cancel_group("fifth")
        with stderr_text():
            self.assertEqual(compss_wait_on(running, waiting), [None, None])

    def test_groups_nest(self):
        with self.assertRaises(COMPSsException):
            with TaskGroup("outer"):
                with TaskGroup("inner", False):
                    stop_group(1)

    def test_the_barrier_comes_also_after_an_error_of_the_body(self):
        with self.assertRaises(COMPSsException):
            with TaskGroup("sixth"):
                stop_group(1)
                raise KeyError("body")
        with self.assertRaises(KeyError):
            with TaskGroup("seventh"):
                raise KeyError("body")


if __name__ == "__main__":
    unittest.main()
