"""`@timeit()`: the call gives its result together with the seconds that it took."""

import functools
import time
from typing import Any, Callable


class TimeIt:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._bare = args[0] if len(args) == 1 and callable(args[0]) else None
        if self._bare is not None:
            functools.update_wrapper(self, self._bare)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self._bare is not None:
            return _timed(self._bare, args, kwargs)
        return _wrapper(args[0])


def _timed(function: Callable, args: Any, kwargs: Any) -> Any:
    start = time.perf_counter()
    result = function(*args, **kwargs)
    return [result, time.perf_counter() - start]


def _wrapper(function: Callable) -> Callable:
    @functools.wraps(function)
    def timed(*args: Any, **kwargs: Any) -> Any:
        return _timed(function, args, kwargs)

    return timed


timeit = TimeIt
