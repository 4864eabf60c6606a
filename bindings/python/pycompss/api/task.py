"""`@task`: a function whose calls the runtime may run elsewhere and at the same time as others."""

from typing import Any, Callable

from pycompss._core.compiled import numba_kind
from pycompss._core.declaration import Declaration
from pycompss._core.options import parse_options


class Task:
    """Positional arguments are ignored, except a function that stands where `@task` has no parentheses."""

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        if len(args) == 1 and not kwargs and callable(args[0]) and not isinstance(args[0], type):
            return cls()(args[0])
        return super().__new__(cls)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self.options = parse_options(kwargs)
        if self.options.numba:
            numba_kind(self.options.numba)

    def __call__(self, function: Callable) -> Callable:
        return Declaration(function, self.options).make_callable()


task = Task
