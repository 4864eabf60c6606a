"""Small functions that travel to tasks: classes and not closures, so that pickle takes them."""

import bisect
from typing import Any, Callable, Iterable, List, Sequence, Tuple


class Each:
    def __init__(self, func: Callable, args: Sequence[Any] = (), kwargs: Any = None) -> None:
        self.func = func
        self.args = tuple(args)
        self.kwargs = kwargs or {}

    def __call__(self, partition: Iterable[Any]) -> List[Any]:
        return [self.func(one, *self.args, **self.kwargs) for one in partition]


class Flat(Each):
    def __call__(self, partition: Iterable[Any]) -> List[Any]:
        return [found for one in partition for found in self.func(one, *self.args, **self.kwargs)]


class Kept(Each):
    def __call__(self, partition: Iterable[Any]) -> List[Any]:
        return [one for one in partition if self.func(one)]


class Keyed(Each):
    def __call__(self, one: Any) -> Tuple[Any, Any]:
        return self.func(one), one


class OnValue(Each):
    def __call__(self, pair: Tuple[Any, Any]) -> Tuple[Any, Any]:
        return pair[0], self.func(pair[1])


class OnValues(Each):
    def __call__(self, pair: Tuple[Any, Any]) -> List[Tuple[Any, Any]]:
        return [(pair[0], value) for value in self.func(pair[1])]


class Chosen:
    """The larger or the smaller of two."""

    def __init__(self, choose: Callable, key: Any) -> None:
        self.choose = choose
        self.key = key

    def __call__(self, left: Any, right: Any) -> Any:
        return self.choose(left, right, key=self.key)


class Range:
    """Index of the range that a key falls into."""

    def __init__(self, bounds: Sequence[Any], key_func: Callable, ascending: bool) -> None:
        self.bounds = list(bounds)
        self.key_func = key_func
        self.ascending = ascending

    def __call__(self, key: Any) -> int:
        place = bisect.bisect_right(self.bounds, self.key_func(key))
        return place if self.ascending else len(self.bounds) - place


class Sorted:
    def __init__(self, key_func: Callable, ascending: bool) -> None:
        self.key_func = key_func
        self.ascending = ascending

    def __call__(self, partition: Iterable[Any]) -> List[Any]:
        return sorted(partition, key=lambda pair: self.key_func(pair[0]), reverse=not self.ascending)


def sampled_keys(partition: Sequence[Tuple[Any, Any]]) -> List[Any]:
    """At most 20 keys at equal steps."""
    return [pair[0] for pair in partition[:: max(1, len(partition) // 20)]]


def total(partition: Iterable[Any]) -> List[Any]:
    return [sum(partition)]


def length(partition: Iterable[Any]) -> List[int]:
    return [sum(1 for _ in partition)]


def with_none(one: Any) -> Tuple[Any, None]:
    return one, None


def with_one(one: Any) -> Tuple[Any, int]:
    return one, 1


def first(left: Any, right: Any) -> Any:
    return left


def added(left: Any, right: Any) -> Any:
    return left + right


def key_of(pair: Tuple[Any, Any]) -> Any:
    return pair[0]


def value_of(pair: Tuple[Any, Any]) -> Any:
    return pair[1]


def same(value: Any) -> Any:
    return value


def one_for_each(value: Any) -> int:
    return 1


def listed(value: Any) -> List[Any]:
    return [value]


def appended(values: List[Any], value: Any) -> List[Any]:
    values.append(value)
    return values
