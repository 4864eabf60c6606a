"""Generators as values: they travel as what they would give, and are generators again where they arrive."""

import types
from typing import Any, Generator, Iterable, List


class Expanded:
    """Stands for a generator in a pickle."""

    __slots__ = ("values",)

    def __init__(self, generator: Iterable[Any]) -> None:
        self.values: List[Any] = list(generator)

    def __reduce__(self):
        return (_again, (self.values,))


def _again(values: List[Any]) -> Generator[Any, None, None]:
    yield from values


def packed(value: Any) -> Any:
    return Expanded(value) if isinstance(value, types.GeneratorType) else value


def packed_result(value: Any) -> Any:
    """A generator among the results of a task, alone or beside others."""
    if isinstance(value, types.GeneratorType):
        return Expanded(value)
    if isinstance(value, (tuple, list)) and any(isinstance(one, types.GeneratorType) for one in value):
        return type(value)(packed(one) for one in value) if type(value) in (tuple, list) else value
    return value
