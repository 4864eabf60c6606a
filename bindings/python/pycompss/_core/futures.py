"""What a program holds of a value that is not there yet."""

from typing import Any, Optional

from metakernel import link as links
from pycompss._core.returns import new_handle


class Future(links.Future):
    """The result of a task. It may be waited for more than once, and dropped at any moment: from `__del__` only a
    deletion is queued, with no lock and no message."""

    __slots__ = ("_link",)

    def __init__(self, datum: Optional[int] = None, link: Optional[links.Link] = None) -> None:
        super().__init__(datum)
        self._link = link

    def __copy__(self) -> "Future":
        return self

    def __deepcopy__(self, memo: Any) -> "Future":
        return self

    def __del__(self) -> None:
        link = self._link
        if link is not None:
            try:
                link.delete(self.datum)
            except Exception:
                return  # at shutdown there is nobody left to tell


class EmptyReturn:
    """Marks an element that a task did not return; removed from what `compss_wait_on` gives."""


def handle_for(link: links.Link, datum: int, cls: Optional[type]) -> Any:
    """An object of the class that the task says it returns, else a future."""
    handle = new_handle(cls)
    if handle is None:
        return Future(datum, link)
    link.bind(handle, datum)
    return handle
