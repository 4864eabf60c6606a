"""Where the running code is: outside the runtime, in a main program, or in a task."""

import threading
from typing import Optional

from metakernel.link import Link, current, set_current
from pycompss.util.exceptions import NotInPyCOMPSsException

#: Held around whatever the link does but deletions: several threads of a program may submit and wait. Deletions come
#: from `__del__` at any moment, and take no lock.
lock = threading.RLock()


def link() -> Optional[Link]:
    """None outside the runtime: then programs run as plain sequential code."""
    return current()


def need_link(what: str) -> Link:
    found = current()
    if found is None:
        raise NotInPyCOMPSsException(f"{what} is only there when the program runs under the runtime")
    return found


def in_task() -> bool:
    found = current()
    return found is not None and found.task_info() is not None


__all__ = ["in_task", "link", "lock", "need_link", "set_current"]
