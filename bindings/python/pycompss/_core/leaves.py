"""Numbers and texts in collections that a task writes.

Data are known by the identity of an object, and a number has none of its own: before such a call the program's list gets
a future in the place of every number, and `compss_wait_on` of the list gives what the task has put there.
"""

from typing import Any, Callable

from pycompss._core.spec import DICTIONARY, OUT, ParameterSpec

_PRIMITIVE = frozenset((bool, int, float, complex, str, bytes, type(None)))
_CONTAINERS = (list, dict)


def give_identity(value: Any, spec: ParameterSpec) -> None:
    """Changes lists and dictionaries in place; what cannot be changed keeps its numbers, and they stay as they are."""
    if spec.kind == DICTIONARY or isinstance(value, _CONTAINERS):
        _walk(value, spec.depth, _placeholder if spec.direction == OUT else _datum)


def _walk(value: Any, depth: int, make: Callable[[Any], Any]) -> None:
    if depth <= 0 or not isinstance(value, _CONTAINERS):
        return
    places = value.items() if isinstance(value, dict) else enumerate(value)
    for place, one in list(places):
        if type(one) in _PRIMITIVE:
            value[place] = make(one)
        else:
            _walk(one, depth - 1, make)


def _placeholder(value: Any) -> Any:
    """Nothing is sent of what is only written."""
    return object()


def _datum(value: Any) -> Any:
    from pycompss._core.transformation_tasks import identity

    return identity(value)
