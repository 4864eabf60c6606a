"""What every decorator is as plain sequential code, whether there is a runtime or not."""

import functools
from typing import Any, Callable


class PlainDecorator:
    """Takes the arguments of a decorator, or the function itself, and calls the function."""

    #: Keyword arguments of a call that the decorator would take for itself.
    own: tuple = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.bare = args[0] if len(args) == 1 and not kwargs and callable(args[0]) else None

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        if self.bare is not None:
            return self.bare(*args, **kwargs)
        return self.plain(args[0])

    def plain(self, function: Callable) -> Callable:
        @functools.wraps(function)
        def plain(*args: Any, **kwargs: Any) -> Any:
            for name in self.own:
                kwargs.pop(name, None)
            return function(*args, **kwargs)

        return plain
