"""A function, task or not, over every element."""

from typing import Any, Callable, Iterable, List


def map(function: Callable, *iterables: Iterable[Any]) -> List[Any]:  # noqa: A001  (the name that programs import)
    return [function(*values) for values in zip(*iterables)]
