"""Functions that run in the program itself and get values in the place of futures and of objects that tasks change."""

import functools
from typing import Any, Callable, Dict, List, Tuple

from pycompss._core import context
from pycompss._core.contents import replace_content
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
    """The caller's own object brought up to date, where its class allows."""
    return old if not isinstance(old, Future) and replace_content(old, new) else new
