"""Groups of tasks, and the exception that ends one."""

from contextlib import contextmanager
from typing import Any, Iterator

from metakernel.errors import TaskException
from metakernel.link import Link
from pycompss.api.exceptions import COMPSsException


@contextmanager
def raising_compss_exception() -> Iterator[None]:
    """What a task has raised for its group comes as `COMPSsException`, whatever of it could travel."""
    try:
        yield
    except COMPSsException:
        raise
    except TaskException as error:
        raise COMPSsException(str(error)) from error


def barrier_group(link: Link, name: str) -> None:
    with raising_compss_exception():
        link.barrier_group(name)


class TaskGroup:
    """The tasks submitted inside its `with` belong to it. Leaving it waits for them, unless `implicit_barrier` is off."""

    def __init__(self, group_name: str, implicit_barrier: bool = True) -> None:
        self.group_name = group_name
        self.implicit_barrier = implicit_barrier

    def __enter__(self) -> "TaskGroup":
        from pycompss._core import context

        self._link = context.link()
        if self._link is not None:
            self._link.open_group(self.group_name)
        return self

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        """The barrier comes also after an error of the body; what the group raises then wins."""
        link = self._link
        if link is None:
            return
        link.close_group(self.group_name)
        if self.implicit_barrier:
            barrier_group(link, self.group_name)
