"""What the Python benchmarks run: each function gives the seconds that it took."""

import concurrent.futures
import multiprocessing
import time

import numpy
from pycompss.api.api import compss_barrier, compss_delete_object, compss_wait_on
from pycompss.api.task import task


@task()
def noop():
    pass


@task(returns=1)
def increment(value):
    return value + 1


@task(returns=1)
def ones(megabytes):
    return numpy.ones(megabytes << 17)


@task(returns=1)
def timed_sum(values):
    """Seconds of reading every element once."""
    begin = time.perf_counter()
    values.sum()
    return time.perf_counter() - begin


def plain():
    pass


def plain_increment(value):
    return value + 1


def noops(count):
    begin = time.perf_counter()
    for _ in range(count):
        noop()
    compss_barrier()
    return time.perf_counter() - begin


def noops_in_pool(count):
    """A task a message, as ours are submitted."""
    with multiprocessing.Pool(2) as pool:
        pool.map(plain_increment, range(100), chunksize=1)
        begin = time.perf_counter()
        pool.map(plain_increment, range(count), chunksize=1)
        return time.perf_counter() - begin


def noops_in_executor(count):
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        list(pool.map(plain_increment, range(100)))
        begin = time.perf_counter()
        list(pool.map(plain_increment, range(count)))
        return time.perf_counter() - begin


def wait_all(count):
    """Seconds of one wait for futures that have all been written."""
    futures = [increment(i) for i in range(count)]
    compss_barrier()
    begin = time.perf_counter()
    values = compss_wait_on(futures)
    seconds = time.perf_counter() - begin
    assert values == [i + 1 for i in range(count)]
    return seconds


def results_of_executor(count):
    with concurrent.futures.ProcessPoolExecutor(2, multiprocessing.get_context("fork")) as pool:
        futures = [pool.submit(plain_increment, i) for i in range(count)]
        concurrent.futures.wait(futures)
        begin = time.perf_counter()
        values = [future.result() for future in futures]
        seconds = time.perf_counter() - begin
        assert len(values) == count
        return seconds


def consumes(megabytes):
    """Seconds of the task that reads an array of another one: mapping it and its pages included."""
    made = ones(megabytes)
    compss_wait_on(timed_sum(made))
    compss_barrier()
    begin = time.perf_counter()
    compss_wait_on(timed_sum(made))
    seconds = time.perf_counter() - begin
    compss_delete_object(made)
    return seconds


def copies(megabytes):
    """Seconds of one memcpy of as much."""
    source = numpy.ones(megabytes << 17)
    target = numpy.empty_like(source)
    numpy.copyto(target, source)
    begin = time.perf_counter()
    numpy.copyto(target, source)
    return time.perf_counter() - begin
