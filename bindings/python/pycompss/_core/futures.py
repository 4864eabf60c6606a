"""What a program holds of a value that is not there yet."""

from typing import Any, Optional

from metakernel.link import Future, Link
from pycompss._core.returns import new_handle

__all__ = ["EmptyReturn", "Future", "handle_for"]


class EmptyReturn:
    """Marks an element that a task did not return; removed from what `compss_wait_on` gives."""


def handle_for(link: Link, datum: int, cls: Optional[type]) -> Any:
    """An object of the class that the task says it returns, else a future."""
    if cls is None:
        return Future(datum)
    handle = new_handle(cls)
    if handle is None:
        return Future(datum)
    link.bind(handle, datum)
    return handle
