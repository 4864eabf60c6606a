"""A data set in partitions. What changes it submits tasks and gives a new one; what gives values waits for them."""

import os
from typing import Any, Callable, Dict, List, Optional, Sequence

from pycompss.api.api import compss_barrier, compss_wait_on
from pycompss.dds import functions as f
from pycompss.dds import partition_tasks as tasks

_NOTHING = object()


class DDS:
    def __init__(self, partitions: Optional[Sequence[Any]] = None) -> None:
        #: Lists, or futures of lists.
        self.partitions: List[Any] = list(partitions or [])

    # ------------------------------------------------------------------------------------------ loading

    def load(self, iterator: Any, num_of_parts: int = 10, paste: bool = False) -> "DDS":
        """`num_of_parts` -1: what is given are the partitions. `paste`: the elements are futures of partitions."""
        values = list(iterator)
        if num_of_parts == -1 or paste:
            return DDS(values)
        base, longer = divmod(len(values), num_of_parts)
        partitions, at = [], 0
        for index in range(num_of_parts):
            size = base + (1 if index < longer else 0)
            partitions.append(values[at : at + size])
            at += size
        return DDS(partitions)

    def load_text_file(self, file_name: str, chunk_size: int = 1024, in_bytes: bool = True, strip: bool = True) -> "DDS":
        """Lines; each partition those that begin in so many bytes of the file, or so many lines."""
        if not in_bytes:
            with open(file_name, encoding="utf-8") as file:
                lines = [line.strip("\r\n") if strip else line for line in file]
            return DDS([lines[at : at + chunk_size] for at in range(0, len(lines), chunk_size)])
        size = os.path.getsize(file_name)
        starts = range(0, max(size, 1), chunk_size)
        return DDS([tasks.lines_between(file_name, at, min(at + chunk_size, size), strip) for at in starts])

    def load_file(self, file_path: str, chunk_size: int = 1024, worker_read: bool = False) -> "DDS":
        return self.load_text_file(file_path, chunk_size)

    def load_files_from_dir(self, dir_path: str, num_of_parts: int = -1) -> "DDS":
        """Pairs of path and content."""
        files = tasks.files_of(dir_path)
        whole = [tasks.whole_file(path, path) for path in files]
        if num_of_parts <= 0 or num_of_parts >= len(whole):
            return DDS(whole)
        return DDS([tasks.joined_parts(whole[index::num_of_parts]) for index in range(num_of_parts)])

    def load_pickle_files(self, dir_path: str) -> "DDS":
        return DDS([tasks.unpickled(path) for path in tasks.files_of(dir_path)])

    # ------------------------------------------------------------------------------------------ element by element

    def num_of_partitions(self) -> int:
        return len(self.partitions)

    def union(self, *others: "DDS") -> "DDS":
        return DDS([*self.partitions, *(one for other in others for one in other.partitions)])

    def map_partitions(self, func: Callable) -> "DDS":
        return DDS([tasks.mapped_partition(func, partition) for partition in self.partitions])

    def map(self, func: Callable, *args: Any, **kwargs: Any) -> "DDS":
        return self.map_partitions(f.Each(func, args, kwargs))

    def flat_map(self, func: Callable, *args: Any, **kwargs: Any) -> "DDS":
        return self.map_partitions(f.Flat(func, args, kwargs))

    map_and_flatten = flat_map

    def filter(self, func: Callable) -> "DDS":
        return self.map_partitions(f.Kept(func))

    def distinct(self) -> "DDS":
        return self.map(f.with_none).reduce_by_key(f.first).keys()

    def foreach(self, func: Callable) -> None:
        """For what the function does elsewhere."""
        self.map(func)
        compss_barrier()

    # ------------------------------------------------------------------------------------------ values

    def collect(self, keep_partitions: bool = False, future_objects: bool = False) -> List[Any]:
        if future_objects:
            return list(self.partitions)
        partitions = compss_wait_on(list(self.partitions))
        if keep_partitions:
            return [list(partition) for partition in partitions]
        return [one for partition in partitions for one in partition]

    def take(self, num: int) -> List[Any]:
        found: List[Any] = []
        for partition in self.partitions:
            if len(found) >= num:
                break
            found.extend(compss_wait_on(partition))
        return found[:num]

    def reduce(self, func: Callable, initial: Any = _NOTHING, arity: int = -1, collect: bool = True) -> Any:
        """`arity`: partial values that one task takes; -1: all. Without `collect` a future of a list of the value."""
        partials = [tasks.reduced_partition(func, partition, []) for partition in self.partitions]
        if initial is not _NOTHING:
            partials.append([initial])
        width = len(partials) if arity < 2 else arity
        while len(partials) > 1:
            starts = range(0, len(partials), max(width, 2))
            partials = [tasks.reduced_partials(func, partials[at : at + max(width, 2)]) for at in starts]
        if not collect:
            return partials[0] if partials else []
        found = compss_wait_on(partials[0]) if partials else []
        if not found:
            raise ValueError("reduce of an empty data set")
        return found[0]

    def max(self, key: Optional[Callable] = None) -> Any:
        return self.reduce(f.Chosen(max, key))

    def min(self, key: Optional[Callable] = None) -> Any:
        return self.reduce(f.Chosen(min, key))

    def sum(self) -> Any:
        return sum(self.map_partitions(f.total).collect())

    def count(self) -> int:
        return sum(self.map_partitions(f.length).collect())

    def count_by_value(self, arity: int = 2, as_dict: bool = True, as_fut: bool = False) -> Any:
        counted = self.map(f.with_one).reduce_by_key(f.added)
        return dict(counted.collect()) if as_dict else counted

    # ------------------------------------------------------------------------------------------ pairs

    def keys(self) -> "DDS":
        return self.map(f.key_of)

    def values(self) -> "DDS":
        return self.map(f.value_of)

    def key_by(self, func: Callable) -> "DDS":
        return self.map(f.Keyed(func))

    def map_values(self, func: Callable) -> "DDS":
        return self.map(f.OnValue(func))

    def flatten_by_key(self, func: Callable) -> "DDS":
        return self.flat_map(f.OnValues(func))

    def partition_by(self, partitioner_func: Callable = tasks.hash_of, num_of_partitions: int = -1) -> "DDS":
        count = len(self.partitions) if num_of_partitions == -1 else num_of_partitions
        buckets = []
        for partition in self.partitions:
            row = [object() for _ in range(count)]
            tasks.split_by_key(partition, partitioner_func, row)
            buckets.append(row)
        return DDS([tasks.joined_parts([row[index] for row in buckets]) for index in range(count)])

    def combine_by_key(
        self, creator_func: Callable, combiner_func: Callable, merger_function: Callable, total_parts: int = -1
    ) -> "DDS":
        combined = [tasks.combined_by_key(creator_func, combiner_func, one) for one in self.partitions]
        shuffled = DDS(combined).partition_by(num_of_partitions=total_parts)
        return DDS([tasks.merged_by_key(merger_function, one) for one in shuffled.partitions])

    def reduce_by_key(self, func: Callable) -> "DDS":
        return self.combine_by_key(f.same, func, func)

    def count_by_key(self, as_dict: bool = False) -> Any:
        counted = self.map_values(f.one_for_each).reduce_by_key(f.added)
        return dict(counted.collect()) if as_dict else counted

    def group_by_key(self, num_of_parts: int = -1) -> "DDS":
        return self.combine_by_key(f.listed, f.appended, f.added, num_of_parts)

    def join(self, other: "DDS", num_of_partitions: int = -1) -> "DDS":
        count = max(len(self.partitions), len(other.partitions)) if num_of_partitions == -1 else num_of_partitions
        left = self.partition_by(num_of_partitions=count)
        right = other.partition_by(num_of_partitions=count)
        return DDS([tasks.paired_by_key(*pair) for pair in zip(left.partitions, right.partitions)])

    def sort_by_key(
        self, ascending: bool = True, num_of_parts: Optional[int] = None, key_func: Callable = f.same
    ) -> "DDS":
        """Ranges of keys from a sample of each partition; then every partition is sorted by itself."""
        count = num_of_parts or len(self.partitions)
        sample = sorted(key_func(key) for key in self.map_partitions(f.sampled_keys).collect())
        bounds = [sample[len(sample) * index // count] for index in range(1, count)] if sample else []
        parts = self.partition_by(f.Range(bounds, key_func, ascending), count)
        return parts.map_partitions(f.Sorted(key_func, ascending))

    def collect_as_dict(self) -> Dict[Any, Any]:
        return dict(self.collect())

    # ------------------------------------------------------------------------------------------ files

    def save_as_text_file(self, path: str) -> None:
        self._save(path, tasks.saved_as_text, "txt")

    def save_as_pickle(self, path: str) -> None:
        self._save(path, tasks.saved_as_pickle, "pickle")

    def _save(self, path: str, save: Callable, ending: str) -> None:
        os.makedirs(path, exist_ok=True)
        for index, partition in enumerate(self.partitions):
            save(partition, os.path.join(path, f"{index:05d}.{ending}"))
