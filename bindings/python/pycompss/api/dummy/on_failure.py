"""`@on_failure` as plain sequential code, whether there is a runtime or not."""

import functools
from typing import Any, Callable


class OnFailure:
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.bare = args[0] if len(args) == 1 and not kwargs and callable(args[0]) else None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.bare is not None:
            return self.bare(*args, **kwargs)
        return _plain(args[0])


def _plain(function: Callable) -> Callable:
    @functools.wraps(function)
    def plain(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    return plain


on_failure = OnFailure
onFailure = OnFailure
