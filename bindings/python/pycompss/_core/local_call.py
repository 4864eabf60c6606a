"""Functions that run in the program itself and get values in the place of futures and of objects that tasks change."""

import functools
from typing import Any, Callable, Dict, List, Tuple

from pycompss._core import context
from pycompss._core.futures import Future
from pycompss._core.waiting import wait_on


def local_function(function: Callable) -> Callable:
    @functools.wraps(function)
    def with_values(*args: Any, **kwargs: Any) -> Any:
        link = context.link()
        if link is None:
            return function(*args, **kwargs)
        given: List[Any] = [*args, *kwargs.values()]
        values = [_updated(old, new) for old, new in zip(given, wait_on(link, given))]
        named: Dict[str, Any] = dict(zip(kwargs, values[len(args) :]))
        return function(*_positional(values, len(args)), **named)

    return with_values


def _positional(values: List[Any], count: int) -> Tuple[Any, ...]:
    return tuple(values[:count])


def _updated(old: Any, new: Any) -> Any:
    """The caller's own object brought up to date, where its class allows; so every reference to it sees the value."""
    if new is old or isinstance(old, Future) or type(old) is not type(new):
        return new
    if isinstance(old, (list, bytearray)):
        old[:] = new
    elif isinstance(old, (dict, set)):
        old.clear()
        old.update(new)
    elif getattr(old, "shape", None) not in (None, ()) and old.shape == new.shape and old.dtype == new.dtype:
        old[...] = new
    elif hasattr(old, "__dict__"):
        old.__dict__.clear()
        old.__dict__.update(new.__dict__)
    else:
        return new
    return old
