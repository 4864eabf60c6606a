"""k-means over fragments: the loop with tasks, and the same loop in one process with one BLAS thread."""

import time

import numpy
from kmeans import generate_fragment, kmeans, moved, partial_sum
from pycompss.api.api import compss_barrier, compss_delete_object, compss_wait_on

#: What a task of it does.
plain_sum = partial_sum.__wrapped__


def sequential(fragments, centres, iterations):
    for _ in range(iterations):
        partials = [plain_sum(fragment, centres) for fragment in fragments]
        total = {name: numpy.sum([one[name] for one in partials], axis=0) for name in ("sums", "counts")}
        centres = moved(centres, total)
    return centres


def compare(points, dimensions, count, iterations):
    """Seconds with tasks, and without; both must give the same centres."""
    fragments = [generate_fragment(points // count, dimensions, seed) for seed in range(count)]
    compss_barrier()
    here = compss_wait_on(fragments)
    centres = numpy.random.default_rng(0).random((8, dimensions))
    begin = time.perf_counter()
    found, _ = kmeans(fragments, centres, iterations, 0)
    between = time.perf_counter()
    expected = sequential(here, centres, iterations)
    end = time.perf_counter()
    assert numpy.allclose(found, expected)
    compss_delete_object(*fragments)
    return [between - begin, end - between]
