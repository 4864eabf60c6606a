"""The tasks that work on partitions: lists of elements. Functions travel as arguments."""

import os
import pickle
import zlib
from collections import defaultdict
from functools import reduce

from pycompss.api.parameter import COLLECTION_IN, COLLECTION_OUT, FILE_IN, FILE_OUT
from pycompss.api.task import task


@task(returns=1)
def mapped_partition(function, partition):
    return list(function(partition))


@task(returns=1)
def reduced_partition(function, partition, initial):
    """A list of the one value, or an empty one: an empty partition has no value to give."""
    values = list(partition)
    if initial:
        return [reduce(function, values, initial[0])]
    return [reduce(function, values)] if values else []


@task(partials=COLLECTION_IN, returns=1)
def reduced_partials(function, partials):
    values = [one for partial in partials for one in partial]
    return [reduce(function, values)] if values else []


@task(buckets=COLLECTION_OUT)
def split_by_key(partition, partitioner, buckets):
    count = len(buckets)
    parts = [[] for _ in range(count)]
    for pair in partition:
        parts[partitioner(pair[0]) % count].append(pair)
    for index in range(count):
        buckets[index] = parts[index]


@task(parts=COLLECTION_IN, returns=1)
def joined_parts(parts):
    return [one for part in parts for one in part]


@task(returns=1)
def combined_by_key(create, merge_value, partition):
    found = {}
    for key, value in partition:
        found[key] = merge_value(found[key], value) if key in found else create(value)
    return list(found.items())


@task(returns=1)
def merged_by_key(merge, partition):
    found = {}
    for key, value in partition:
        found[key] = merge(found[key], value) if key in found else value
    return list(found.items())


@task(returns=1)
def paired_by_key(left, right):
    others = defaultdict(list)
    for key, value in right:
        others[key].append(value)
    return [(key, (value, other)) for key, value in left for other in others.get(key, ())]


@task(returns=1)
def loaded(function, argument):
    return list(function(argument))


@task(path=FILE_IN, returns=1)
def unpickled(path):
    with open(path, "rb") as file:
        return list(pickle.load(file))


@task(path=FILE_IN, returns=1)
def whole_file(path, name):
    with open(path, encoding="utf-8") as file:
        return [(name, file.read())]


@task(path=FILE_IN, returns=1)
def lines_between(path, start, end, strip):
    """Lines that begin in [start, end): every line belongs to one task."""
    found = []
    with open(path, "rb") as file:
        if start > 0:
            file.seek(start - 1)
            file.readline()
        while file.tell() < end:
            line = file.readline()
            if not line:
                break
            text = line.decode("utf-8")
            found.append(text.strip("\r\n") if strip else text)
    return found


@task(path=FILE_OUT)
def saved_as_text(partition, path):
    with open(path, "w", encoding="utf-8") as file:
        file.writelines(f"{one}\n" for one in partition)


@task(path=FILE_OUT)
def saved_as_pickle(partition, path):
    with open(path, "wb") as file:
        pickle.dump(list(partition), file, protocol=5)


def hash_of(key):
    """The same in every process: Python's own differs for texts."""
    return hash(key) if isinstance(key, (int, float)) else zlib.crc32(repr(key).encode())


def files_of(folder):
    return sorted(os.path.join(folder, name) for name in os.listdir(folder) if os.path.isfile(os.path.join(folder, name)))
